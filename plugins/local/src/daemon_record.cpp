#include "daemon_record.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "durable_file.hpp"

namespace harmony::local {
namespace {

using nlohmann::json;

std::optional<json> read_json(const std::filesystem::path& file) {
    const auto content = read_file(file);
    if (!content || !*content) return std::nullopt;
    json document = json::parse(**content, nullptr, false);
    if (!document.is_object()) return std::nullopt;
    return document;
}

// Whether a supervisor watches this daemon now, so that its status file is worth believing.
bool is_supervised(const ContextFolders& context) {
    return is_locked(context.supervisor_lock());
}

}  // namespace

Outcome<void> save_record(const DaemonFolders& folders, const DaemonRecord& record) {
    json document = {{"format", 1},
                     {"spec", to_record_json(record.spec)},
                     {"program_path", record.program_path},
                     {"ports", record.ports},
                     {"hash", record.hash}};
    return write_file(folders.spec(), document.dump(2) + "\n", 0600, Durability::OnDisk);
}

Outcome<std::optional<DaemonRecord>> load_record(const DaemonFolders& folders) {
    auto content = read_file(folders.spec());
    if (!content) return pass_on(content.error());
    const auto document = read_json(folders.spec());
    if (!document) return std::optional<DaemonRecord>{};
    try {
        auto spec = parse_daemon_spec(document->at("spec"));
        if (!spec) return std::optional<DaemonRecord>{};
        DaemonRecord record;
        record.spec = std::move(*spec);
        record.program_path = document->at("program_path").get<std::string>();
        record.ports = document->at("ports").get<std::map<std::string, int>>();
        record.hash = document->at("hash").get<std::string>();
        return std::optional<DaemonRecord>(std::move(record));
    } catch (const json::exception&) {
        return std::optional<DaemonRecord>{};
    }
}

Outcome<void> save_run(const DaemonFolders& folders, const RunRecord& run) {
    const json document = {{"pid", run.process.pid},         {"start_time", run.process.start_time},
                           {"boot_id", run.process.boot_id}, {"spec_hash", run.spec_hash},
                           {"program_id", run.program_id},   {"started_at", run.started_at}};
    return write_file(folders.run(), document.dump(2) + "\n", 0600, Durability::Atomic);
}

std::optional<RunRecord> load_run(const DaemonFolders& folders) {
    const auto document = read_json(folders.run());
    if (!document) return std::nullopt;
    try {
        RunRecord run;
        run.process.pid = document->at("pid").get<pid_t>();
        run.process.start_time = document->at("start_time").get<std::uint64_t>();
        run.process.boot_id = document->at("boot_id").get<std::string>();
        run.spec_hash = document->at("spec_hash").get<std::string>();
        run.program_id = document->at("program_id").get<std::string>();
        run.started_at = document->at("started_at").get<std::string>();
        return run;
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

Outcome<void> save_status(const DaemonFolders& folders, const StatusRecord& status) {
    const json document = {{"state", status.state},
                           {"ready", status.ready},
                           {"restarts", status.restarts},
                           {"last_exit", status.last_exit}};
    return write_file(folders.status(), document.dump(2) + "\n", 0600, Durability::Atomic);
}

StatusRecord load_status(const DaemonFolders& folders) {
    StatusRecord status;
    const auto document = read_json(folders.status());
    if (!document) return status;
    try {
        status.state = document->value("state", status.state);
        status.ready = document->value("ready", status.ready);
        status.restarts = document->value("restarts", status.restarts);
        status.last_exit = document->value("last_exit", status.last_exit);
    } catch (const json::exception&) {
        return {};
    }
    return status;
}

std::optional<RunRecord> find_running(const DaemonFolders& folders, const std::string& program_path) {
    auto run = load_run(folders);
    if (run && is_alive(run->process)) return run;
    if (!is_locked(folders.lock())) return std::nullopt;
    // Somebody holds the lock. It may be a descendant that outlived its daemon, so the program has to match.
    for (const auto& process : processes_with_open(folders.lock())) {
        if (!runs_program(process.pid, program_path)) continue;
        RunRecord found;
        found.process = process;
        return found;
    }
    return std::nullopt;
}

std::string program_identity(const std::string& program_path) {
    struct stat status {};
    if (::stat(program_path.c_str(), &status) != 0) return "";
    return std::to_string(status.st_size) + "@" + std::to_string(status.st_mtim.tv_sec) + "." +
           std::to_string(status.st_mtim.tv_nsec);
}

PlaceholderValues placeholder_values(const ContextFolders& context, const std::string& name,
                                     const std::map<std::string, int>& ports) {
    const auto folders = context.daemon(name);
    return {folders.config().string(), folders.data().string(), context.runtime().string(), ports};
}

Outcome<std::optional<DaemonView>> view_daemon(const ContextFolders& context, const std::string& name) {
    const auto folders = context.daemon(name);
    auto record = load_record(folders);
    if (!record) return pass_on(record.error());
    if (!*record) return std::optional<DaemonView>{};
    const StatusRecord status = load_status(folders);
    DaemonView view;
    view.name = name;
    view.restarts = status.restarts;
    view.last_exit = status.last_exit;
    view.ports = (*record)->ports;
    view.config_dir = folders.config().string();
    view.data_dir = folders.data().string();
    view.log_file = folders.log().string();
    view.spec_hash = (*record)->hash;
    const bool supervised = is_supervised(context);
    if (const auto run = find_running(folders, (*record)->program_path)) {
        view.pid = run->process.pid;
        view.started_at = run->started_at;
        view.state = status.state == "starting" ? "starting" : "running";
        view.ready = status.ready;
    } else {
        // Between the end of a process and the supervisor's next word it is as good as backing off.
        view.state = !supervised ? "stopped" : status.state == "running" ? "backing-off" : status.state;
    }
    return std::optional<DaemonView>(std::move(view));
}

json to_json(const DaemonView& view) {
    json document = {
        {"name", view.name},         {"state", view.state},           {"ready", view.ready},
        {"pid", view.pid},           {"started_at", view.started_at}, {"restarts", view.restarts},
        {"ports", view.ports},       {"config_dir", view.config_dir}, {"data_dir", view.data_dir},
        {"log_file", view.log_file}, {"spec_hash", view.spec_hash}};
    if (!view.last_exit.empty()) document["last_exit"] = view.last_exit;
    return document;
}

DaemonView daemon_view_from_json(const json& document) {
    DaemonView view;
    view.name = document.value("name", "");
    view.state = document.value("state", "stopped");
    view.ready = document.value("ready", false);
    view.pid = document.value("pid", 0);
    view.started_at = document.value("started_at", "");
    view.restarts = document.value("restarts", 0);
    view.last_exit = document.value("last_exit", "");
    view.ports = document.value("ports", view.ports);
    view.config_dir = document.value("config_dir", "");
    view.data_dir = document.value("data_dir", "");
    view.log_file = document.value("log_file", "");
    view.spec_hash = document.value("spec_hash", "");
    return view;
}

std::string timestamp_now() {
    const auto now = std::chrono::system_clock::now();
    const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
    const auto milliseconds =
        std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    std::array<char, 32> text{};
    const auto length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
    std::snprintf(text.data() + length, text.size() - length, ".%03dZ", static_cast<int>(milliseconds));
    return text.data();
}

}  // namespace harmony::local
