#include "daemon_spec.hpp"

#include <csignal>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "durable_file.hpp"

namespace harmony::local {
namespace {

using nlohmann::json;

constexpr const char* kCode = "process-host.invalid-spec";

tl::unexpected<Problem> bad(std::string path, const std::string& expected) {
    const std::string summary = path + " " + expected;
    return invalid(kCode, std::move(path), summary);
}

std::string octal(unsigned mode) {
    std::string text;
    for (; mode != 0; mode /= 8)
        text.insert(text.begin(), static_cast<char>('0' + mode % 8));
    return "0" + text;
}

// 0 when it is not octal text; no file has that mode here.
unsigned parse_octal(const std::string& text) {
    if (text.empty() || text.size() > 5 || text.find_first_not_of("01234567") != std::string::npos) return 0;
    return static_cast<unsigned>(std::stoul(text, nullptr, 8));
}

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= 63 && text.front() != '-' &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

bool stays_inside(const std::string& text) {
    const std::filesystem::path path(text);
    if (text.empty() || path.is_absolute() || !path.has_filename()) return false;
    for (const auto& part : path) {
        if (part == ".." || part == "." || part.empty()) return false;
    }
    return text.find('\0') == std::string::npos;
}

DaemonFile parse_file(const json& document) {
    DaemonFile file;
    file.path = document.at("path").get<std::string>();
    if (document.contains("content")) {
        file.content = document.at("content").get<std::string>();
        file.hash = sha256_hex(file.content);
    } else {
        file.hash = document.at("hash").get<std::string>();
    }
    file.mode = parse_octal(document.value("mode", "0600"));
    file.sensitive = document.value("sensitive", false);
    file.reloadable = document.value("reloadable", false);
    return file;
}

DaemonSpec decode(const json& document) {
    DaemonSpec spec;
    spec.name = document.at("name").get<std::string>();
    spec.program = document.at("program").get<std::string>();
    spec.args = document.value("args", spec.args);
    spec.env = document.value("env", spec.env);
    for (const auto& file : document.value("files", json::array()))
        spec.files.push_back(parse_file(file));
    for (const auto& port : document.value("ports", json::array())) {
        spec.ports.push_back({port.at("name").get<std::string>(), port.value("port", 0)});
    }
    const json readiness = document.value("readiness", json::object());
    spec.readiness.kind = readiness.value("kind", spec.readiness.kind);
    spec.readiness.port = readiness.value("port", std::string());
    spec.readiness.path = readiness.value("path", std::string());
    spec.readiness.timeout_s = readiness.value("timeout_s", spec.readiness.timeout_s);
    spec.reload_signal = document.value("reload_signal", std::string());
    const json stop = document.value("stop", json::object());
    spec.stop.signal = stop.value("signal", spec.stop.signal);
    spec.stop.grace_s = stop.value("grace_s", spec.stop.grace_s);
    const json restart = document.value("restart", json::object());
    spec.restart.initial =
        std::chrono::milliseconds(restart.value("initial_ms", spec.restart.initial.count()));
    spec.restart.max = std::chrono::milliseconds(restart.value("max_ms", spec.restart.max.count()));
    spec.restart.reset_after_s = restart.value("reset_after_s", spec.restart.reset_after_s);
    return spec;
}

json encode(const DaemonSpec& spec, bool with_contents) {
    json files = json::array();
    for (const auto& file : spec.files) {
        json entry = {{"path", file.path},
                      {"mode", octal(file.mode)},
                      {"sensitive", file.sensitive},
                      {"reloadable", file.reloadable}};
        if (with_contents) {
            entry["content"] = file.content;
        } else {
            entry["hash"] = file.hash;
        }
        files.push_back(std::move(entry));
    }
    json ports = json::array();
    for (const auto& port : spec.ports)
        ports.push_back({{"name", port.name}, {"port", port.port}});
    return {{"name", spec.name},
            {"program", spec.program},
            {"args", spec.args},
            {"env", spec.env},
            {"files", std::move(files)},
            {"ports", std::move(ports)},
            {"readiness",
             {{"kind", spec.readiness.kind},
              {"port", spec.readiness.port},
              {"path", spec.readiness.path},
              {"timeout_s", spec.readiness.timeout_s}}},
            {"reload_signal", spec.reload_signal},
            {"stop", {{"signal", spec.stop.signal}, {"grace_s", spec.stop.grace_s}}},
            {"restart",
             {{"initial_ms", spec.restart.initial.count()},
              {"max_ms", spec.restart.max.count()},
              {"reset_after_s", spec.restart.reset_after_s}}}};
}

Outcome<void> validate_files(const DaemonSpec& spec) {
    std::set<std::string> seen;
    for (std::size_t i = 0; i < spec.files.size(); ++i) {
        const auto& file = spec.files[i];
        const std::string at = "files[" + std::to_string(i) + "]";
        if (!stays_inside(file.path)) {
            return bad(at + ".path", "must be a relative path inside the configuration folder; found \"" +
                                         file.path + "\"");
        }
        if (!seen.insert(file.path).second) return bad(at + ".path", "names \"" + file.path + "\" twice");
        if (file.mode == 0 || file.mode > 0777) return bad(at + ".mode", "must be octal text such as 0600");
    }
    return {};
}

Outcome<void> validate_ports(const DaemonSpec& spec) {
    std::set<std::string> seen;
    for (std::size_t i = 0; i < spec.ports.size(); ++i) {
        const auto& port = spec.ports[i];
        const std::string at = "ports[" + std::to_string(i) + "]";
        if (!is_name(port.name)) {
            return bad(at + ".name", "must be lowercase letters, digits and -; found \"" + port.name + "\"");
        }
        if (!seen.insert(port.name).second) return bad(at + ".name", "names \"" + port.name + "\" twice");
        if (port.port < 0 || port.port > 65535) {
            return bad(at + ".port", "must be between 0 and 65535; found " + std::to_string(port.port));
        }
    }
    const auto& readiness = spec.readiness;
    if (readiness.kind == "http" || readiness.kind == "tcp") {
        if (seen.count(readiness.port) == 0) {
            return bad("readiness.port",
                       "must name one of the daemon's ports; found \"" + readiness.port + "\"");
        }
    } else if (readiness.kind != "none" && readiness.kind != "unix") {
        return bad("readiness.kind", "must be http, tcp or none; found \"" + readiness.kind + "\"");
    }
    return {};
}

Outcome<void> validate_rules(const DaemonSpec& spec) {
    if (!spec.reload_signal.empty() && signal_number(spec.reload_signal) == 0) {
        return bad("reload_signal", "must be the name of a signal; found \"" + spec.reload_signal + "\"");
    }
    if (signal_number(spec.stop.signal) == 0) {
        return bad("stop.signal", "must be the name of a signal; found \"" + spec.stop.signal + "\"");
    }
    constexpr double kLongest = 24 * 3600;
    if (!(spec.readiness.timeout_s > 0 && spec.readiness.timeout_s <= kLongest)) {
        return bad("readiness.timeout_s", "must be above 0 and at most a day");
    }
    if (!(spec.stop.grace_s >= 0 && spec.stop.grace_s <= kLongest)) {
        return bad("stop.grace_s", "must be between 0 and a day");
    }
    if (!(spec.restart.reset_after_s >= 0)) return bad("restart.reset_after_s", "must not be negative");
    if (spec.restart.initial.count() < 1 || spec.restart.max < spec.restart.initial) {
        return bad("restart", "must have 1 <= initial_ms <= max_ms");
    }
    return {};
}

}  // namespace

Outcome<void> validate(const DaemonSpec& spec) {
    if (!is_name(spec.name)) {
        return bad("name", "must be at most 63 lowercase letters, digits and -; found \"" + spec.name + "\"");
    }
    if (spec.program.empty()) return bad("program", "must be a program's name or an absolute path");
    for (const auto& [name, value] : spec.env) {
        if (name.empty() || name.find('=') != std::string::npos || value.find('\0') != std::string::npos) {
            return bad("env", "has a name or value that no environment can hold: \"" + name + "\"");
        }
    }
    if (auto files = validate_files(spec); !files) return files;
    if (auto ports = validate_ports(spec); !ports) return ports;
    return validate_rules(spec);
}

Outcome<DaemonSpec> parse_daemon_spec(const json& document) {
    DaemonSpec spec;
    try {
        spec = decode(document);
    } catch (const json::exception& error) {
        return invalid(kCode, "", std::string("the daemon's description is wrong: ") + error.what());
    }
    if (auto valid = validate(spec); !valid) return pass_on(valid.error());
    return spec;
}

json to_json(const DaemonSpec& spec) {
    return encode(spec, true);
}

json to_record_json(const DaemonSpec& spec) {
    return encode(spec, false);
}

std::string spec_hash(const DaemonSpec& spec, std::string_view program_path) {
    json document = to_record_json(spec);
    document["program_path"] = program_path;
    return sha256_hex(document.dump());
}

int signal_number(std::string_view name) {
    if (name.substr(0, 3) == "SIG") name.remove_prefix(3);
    for (int number = 1; number < 32; ++number) {
        const char* known = ::sigabbrev_np(number);
        if (known != nullptr && name == known) return number;
    }
    return 0;
}

std::string signal_name(int number) {
    const char* known = ::sigabbrev_np(number);
    return known != nullptr ? std::string("SIG") + known : "signal " + std::to_string(number);
}

}  // namespace harmony::local
