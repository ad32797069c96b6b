// What is known about a daemon on disk. Three files, so that each has one writer: spec.json (what is wanted;
// the supervisor, durable), run.json (what was started; the started process itself, before it becomes the
// program) and status.json (how it goes; the supervisor, for readers only).
//
// A file that cannot be understood is treated as absent: the other two, the lock and /proc say enough to go
// on.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "context_folders.hpp"
#include "daemon_spec.hpp"
#include "placeholders.hpp"
#include "process_identity.hpp"

namespace harmony::local {

struct DaemonRecord {
    DaemonSpec spec;  // without the contents of its files
    std::string program_path;
    std::map<std::string, int> ports;  // the numbers in use, chosen ones included
    std::string hash;
};

struct RunRecord {
    ProcessIdentity process;
    std::string spec_hash;   // empty when it is unknown what was started
    std::string program_id;  // of the program's file when it was started
    std::string started_at;  // RFC 3339
};

struct StatusRecord {
    std::string state = "stopped";
    bool ready = false;
    int restarts = 0;
    std::string last_exit;
};

// As in process-host/1.
struct DaemonView {
    std::string name;
    std::string state;
    bool ready = false;
    pid_t pid = 0;
    std::string started_at;
    int restarts = 0;
    std::string last_exit;
    std::map<std::string, int> ports;
    std::string config_dir;
    std::string data_dir;
    std::string log_file;
    std::string spec_hash;
};

[[nodiscard]] Outcome<void> save_record(const DaemonFolders& folders, const DaemonRecord& record);
[[nodiscard]] Outcome<std::optional<DaemonRecord>> load_record(const DaemonFolders& folders);

[[nodiscard]] Outcome<void> save_run(const DaemonFolders& folders, const RunRecord& run);
// What was started last, whether it lives or not.
[[nodiscard]] std::optional<RunRecord> load_run(const DaemonFolders& folders);
[[nodiscard]] Outcome<void> save_status(const DaemonFolders& folders, const StatusRecord& status);
[[nodiscard]] StatusRecord load_status(const DaemonFolders& folders);

// The process of the daemon, if it lives. Where run.json is lost, the process that holds the daemon's lock
// and runs its program is found instead; its spec hash is then empty.
[[nodiscard]] std::optional<RunRecord> find_running(const DaemonFolders& folders,
                                                    const std::string& program_path);

// Size and change time of the file: equal for the same build.
[[nodiscard]] std::string program_identity(const std::string& program_path);

[[nodiscard]] PlaceholderValues placeholder_values(const ContextFolders& context, const std::string& name,
                                                   const std::map<std::string, int>& ports);

// Reads only. Nothing when there is no such daemon.
[[nodiscard]] Outcome<std::optional<DaemonView>> view_daemon(const ContextFolders& context,
                                                             const std::string& name);

[[nodiscard]] nlohmann::json to_json(const DaemonView& view);
[[nodiscard]] DaemonView daemon_view_from_json(const nlohmann::json& document);

// The present time as RFC 3339 in UTC with milliseconds.
[[nodiscard]] std::string timestamp_now();

}  // namespace harmony::local
