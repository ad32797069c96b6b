#include "harmony/daemon/logging.hpp"

#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstdio>

#include "json_text.hpp"

namespace harmony::runtime::daemon {
namespace {

std::atomic<LogLevel> threshold{LogLevel::Info};
std::atomic<int> sink{STDERR_FILENO};

std::string_view name_of(LogLevel level) {
    switch (level) {
        case LogLevel::Debug:
            return "debug";
        case LogLevel::Info:
            return "info";
        case LogLevel::Warning:
            return "warning";
        case LogLevel::Error:
            return "error";
    }
    return "info";
}

// Length of the well-formed UTF-8 sequence at the start of the text; 0: there is none.
std::size_t sequence_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto continues = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xc0U) == 0x80; };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return 1;
    if (lead >= 0xc2 && lead <= 0xdf) return continues(1) ? 2 : 0;
    if (lead >= 0xe0 && lead <= 0xef) {
        if (!continues(1) || !continues(2)) return 0;
        const bool overlong = lead == 0xe0 && byte(1) < 0xa0;
        const bool surrogate = lead == 0xed && byte(1) > 0x9f;
        return overlong || surrogate ? 0 : 3;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        if (!continues(1) || !continues(2) || !continues(3)) return 0;
        const bool overlong = lead == 0xf0 && byte(1) < 0x90;
        const bool too_large = lead == 0xf4 && byte(1) > 0x8f;
        return overlong || too_large ? 0 : 4;
    }
    return 0;
}

void append_time(std::string& out) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    tm calendar{};
    gmtime_r(&now.tv_sec, &calendar);
    char text[80];
    std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ", calendar.tm_year + 1900,
                  calendar.tm_mon + 1, calendar.tm_mday, calendar.tm_hour, calendar.tm_min, calendar.tm_sec,
                  now.tv_nsec / 1000);
    out += text;
}

struct AppendValue {
    std::string& out;
    void operator()(std::string_view text) const { append_json_string(out, text); }
    void operator()(std::int64_t number) const { out += std::to_string(number); }
    void operator()(bool truth) const { out += truth ? "true" : "false"; }
    void operator()(double number) const {
        if (!std::isfinite(number)) {
            out += "null";
            return;
        }
        char text[32];
        std::snprintf(text, sizeof text, "%.17g", number);
        out += text;
    }
};

void write_line(const std::string& line) {
    // One write per line keeps lines of several threads whole; what the other end won't take is lost rather
    // than blocking the daemon for good.
    std::size_t done = 0;
    while (done < line.size()) {
        const ssize_t written = write(sink, line.data() + done, line.size() - done);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;
        done += static_cast<std::size_t>(written);
    }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    while (!text.empty()) {
        const char c = text.front();
        std::size_t length = sequence_length(text);
        if (length == 0) {
            out += "\xef\xbf\xbd";
            length = 1;
        } else if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
            out += escape;
        } else {
            out += text.substr(0, length);
        }
        text.remove_prefix(length);
    }
    out += '"';
}

Result<void> start_logging(std::string_view level) {
    for (const LogLevel known : {LogLevel::Debug, LogLevel::Info, LogLevel::Warning, LogLevel::Error}) {
        if (name_of(known) != level) continue;
        threshold = known;
        return {};
    }
    return fail(ErrorKind::InvalidInput,
                "log level: found \"" + std::string(level) + "\", expected debug, info, warning or error");
}

void log_to_descriptor(int descriptor) {
    sink = descriptor;
}

bool log_enabled(LogLevel level) {
    return level >= threshold.load(std::memory_order_relaxed);
}

void log(LogLevel level, std::string_view component, std::string_view message,
         std::initializer_list<LogField> fields) {
    if (!log_enabled(level)) return;
    std::string line;
    line.reserve(256);
    line += R"({"ts":")";
    append_time(line);
    line += R"(","level":")";
    line += name_of(level);
    line += R"(","component":)";
    append_json_string(line, component);
    line += R"(,"msg":)";
    append_json_string(line, message);
    for (const LogField& field : fields) {
        line += ',';
        append_json_string(line, field.name);
        line += ':';
        std::visit(AppendValue{line}, field.value);
    }
    line += "}\n";
    write_line(line);
}

}  // namespace harmony::runtime::daemon
