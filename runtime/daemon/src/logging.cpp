#include "harmony/daemon/logging.hpp"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <memory>
#include <utility>

#include "json_text.hpp"

namespace harmony::runtime::daemon {
namespace {

std::atomic<int> descriptor_now{STDERR_FILENO};

// One write per line keeps lines of several threads whole without a lock; what the other end won't take is
// lost rather than blocking the daemon for good.
class DescriptorSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
    void sink_it_(const spdlog::details::log_msg& message) override {
        // A formatter keeps the last second's text: one for each thread.
        thread_local spdlog::pattern_formatter formatter(R"({"ts":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l",%v})",
                                                         spdlog::pattern_time_type::utc, "\n");
        spdlog::memory_buf_t line;
        formatter.format(message, line);
        std::size_t done = 0;
        while (done < line.size()) {
            const ssize_t written = write(descriptor_now, line.data() + done, line.size() - done);
            if (written < 0 && errno == EINTR) continue;
            if (written <= 0) return;
            done += static_cast<std::size_t>(written);
        }
    }
    void flush_() override {}
};

spdlog::logger& logger() {
    // Never destroyed: what ends late may still log.
    static auto& instance = *new spdlog::logger("", std::make_shared<DescriptorSink>());
    return instance;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
    switch (level) {
        case LogLevel::Debug:
            return spdlog::level::debug;
        case LogLevel::Info:
            return spdlog::level::info;
        case LogLevel::Warning:
            return spdlog::level::warn;
        case LogLevel::Error:
            return spdlog::level::err;
    }
    return spdlog::level::info;
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
    constexpr std::array<std::pair<std::string_view, LogLevel>, 4> kLevels{{{"debug", LogLevel::Debug},
                                                                            {"info", LogLevel::Info},
                                                                            {"warning", LogLevel::Warning},
                                                                            {"error", LogLevel::Error}}};
    for (const auto& [name, known] : kLevels) {
        if (name != level) continue;
        logger().set_level(spdlog_level(known));
        return {};
    }
    return fail(ErrorKind::InvalidInput,
                "log level: found \"" + std::string(level) + "\", expected debug, info, warning or error");
}

void log_to_descriptor(int descriptor) {
    descriptor_now = descriptor;
}

bool log_enabled(LogLevel level) {
    return logger().should_log(spdlog_level(level));
}

void log(LogLevel level, std::string_view component, std::string_view message,
         std::initializer_list<LogField> fields) {
    if (!log_enabled(level)) return;
    std::string text;
    text.reserve(256);
    text += R"("component":)";
    append_json_string(text, component);
    text += R"(,"msg":)";
    append_json_string(text, message);
    for (const LogField& field : fields) {
        text += ',';
        append_json_string(text, field.name);
        text += ':';
        std::visit(AppendValue{text}, field.value);
    }
    logger().log(spdlog_level(level), spdlog::string_view_t(text.data(), text.size()));
}

}  // namespace harmony::runtime::daemon
