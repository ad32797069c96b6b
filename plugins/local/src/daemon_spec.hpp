// What a daemon should be, as process-host/1 describes it, and the same as it is kept on disk.
#pragma once

#include <chrono>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "problem.hpp"

namespace harmony::local {

struct DaemonFile {
    std::string path;     // relative to the daemon's configuration folder
    std::string content;  // empty in a record read from disk: only the hash is kept there
    std::string hash;     // SHA-256 of content, hex
    unsigned mode = 0600;
    bool sensitive = false;
    bool reloadable = false;
};

struct DaemonPort {
    std::string name;
    int port = 0;  // 0: one that is free is chosen and kept
};

struct Readiness {
    std::string kind = "none";  // http, tcp, none; unix for a socket, used by this plugin itself
    std::string port;           // the name of one of the daemon's ports, for http and tcp
    std::string path;           // the target of the request for http, the socket for unix
    double timeout_s = 10;
};

struct StopRule {
    std::string signal = "TERM";
    double grace_s = 10;
};

struct RestartRule {
    std::chrono::milliseconds initial{200};
    std::chrono::milliseconds max{30000};
    double reset_after_s = 60;
};

struct DaemonSpec {
    std::string name;
    std::string program;
    std::vector<std::string> args;
    std::map<std::string, std::string> env;
    std::vector<DaemonFile> files;
    std::vector<DaemonPort> ports;
    Readiness readiness;
    std::string reload_signal;
    StopRule stop;
    RestartRule restart;
};

// Decodes and validates; a problem is process-host.invalid-spec with the path of the field.
[[nodiscard]] Outcome<DaemonSpec> parse_daemon_spec(const nlohmann::json& document);

// Checks what the types do not say: names, paths, modes, signals, that readiness refers to a port.
[[nodiscard]] Outcome<void> validate(const DaemonSpec& spec);

// The whole spec with the contents of its files, for the control socket.
[[nodiscard]] nlohmann::json to_json(const DaemonSpec& spec);

// The spec with hashes in place of contents, for the record on disk.
[[nodiscard]] nlohmann::json to_record_json(const DaemonSpec& spec);

// Identifies spec and resolved program: equal hashes run the same way.
[[nodiscard]] std::string spec_hash(const DaemonSpec& spec, std::string_view program_path);

// The number of a signal given as TERM or SIGTERM; 0 when unknown.
[[nodiscard]] int signal_number(std::string_view name);
[[nodiscard]] std::string signal_name(int number);

}  // namespace harmony::local
