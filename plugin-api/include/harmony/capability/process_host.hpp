// process-host/1: supervised daemons on one machine. The meaning of every field is spec/capabilities.md.
#pragma once

#include <harmony/plugin/capability.hpp>
#include <harmony/plugin/plan.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace harmony::plugin {

struct DaemonFile {
    std::string path;  // relative to the daemon's configuration folder
    std::string content;
    std::string mode = "0600";  // octal
    bool sensitive = false;     // its content never shows in a plan
    bool reloadable = false;    // a change of it needs only reload_signal

    static auto fields() {
        using Self = DaemonFile;
        return harmony::plugin::fields(
            field("path", &Self::path).required(), field("content", &Self::content).required().sensitive(),
            field("mode", &Self::mode).pattern("^0?[0-7]{3}$"), field("sensitive", &Self::sensitive),
            field("reloadable", &Self::reloadable));
    }
    friend bool operator==(const DaemonFile&, const DaemonFile&) = default;
};

struct DaemonPort {
    std::string name;
    int port = 0;  // 0: the topology chooses a free one and keeps it

    static auto fields() {
        return harmony::plugin::fields(field("name", &DaemonPort::name).required(),
                                       field("port", &DaemonPort::port).range(0, 65535));
    }
    friend bool operator==(const DaemonPort&, const DaemonPort&) = default;
};

enum class ReadinessKind { None, Tcp, Http };
inline EnumNames<ReadinessKind> enum_names(ReadinessKind) {
    return {{ReadinessKind::None, "none"}, {ReadinessKind::Tcp, "tcp"}, {ReadinessKind::Http, "http"}};
}

struct DaemonReadiness {
    ReadinessKind kind = ReadinessKind::None;
    std::string port{};      // the name of one of its ports
    std::string path = "/";  // of the HTTP request; any 2xx answer is ready
    int timeout_s = 30;

    static auto fields() {
        using Self = DaemonReadiness;
        return harmony::plugin::fields(field("kind", &Self::kind), field("port", &Self::port),
                                       field("path", &Self::path),
                                       field("timeout_s", &Self::timeout_s).range(1, 3600));
    }
    friend bool operator==(const DaemonReadiness&, const DaemonReadiness&) = default;
};

struct DaemonStop {
    std::string signal = "TERM";
    int grace_s = 10;

    static auto fields() {
        return harmony::plugin::fields(field("signal", &DaemonStop::signal),
                                       field("grace_s", &DaemonStop::grace_s).range(0, 3600));
    }
    friend bool operator==(const DaemonStop&, const DaemonStop&) = default;
};

struct DaemonRestart {
    int initial_ms = 200;
    int max_ms = 30000;
    int reset_after_s = 60;

    static auto fields() {
        using Self = DaemonRestart;
        return harmony::plugin::fields(field("initial_ms", &Self::initial_ms).range(1, 3600000),
                                       field("max_ms", &Self::max_ms).range(1, 3600000),
                                       field("reset_after_s", &Self::reset_after_s).range(1, 86400));
    }
    friend bool operator==(const DaemonRestart&, const DaemonRestart&) = default;
};

struct DaemonSpec {
    std::string name;     // lowercase letters, digits, '-'; unique in the context
    std::string program;  // a name, looked for beside the host and then on PATH, or an absolute path
    std::vector<std::string> args{};
    std::map<std::string, std::string> env{};
    std::vector<DaemonFile> files{};
    std::vector<DaemonPort> ports{};
    DaemonReadiness readiness{};
    std::string reload_signal{};  // "HUP"; empty: a change of a reloadable file restarts it
    DaemonStop stop{};
    DaemonRestart restart{};

    static auto fields() {
        using Self = DaemonSpec;
        return harmony::plugin::fields(
            field("name", &Self::name).required().pattern("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"),
            field("program", &Self::program).required(), field("args", &Self::args), field("env", &Self::env),
            field("files", &Self::files), field("ports", &Self::ports), field("readiness", &Self::readiness),
            field("reload_signal", &Self::reload_signal), field("stop", &Self::stop),
            field("restart", &Self::restart));
    }
    friend bool operator==(const DaemonSpec&, const DaemonSpec&) = default;
};

enum class DaemonState { Running, Starting, BackingOff, Stopped };
inline EnumNames<DaemonState> enum_names(DaemonState) {
    return {{DaemonState::Running, "running"},
            {DaemonState::Starting, "starting"},
            {DaemonState::BackingOff, "backing-off"},
            {DaemonState::Stopped, "stopped"}};
}

struct Daemon {
    std::string name;
    DaemonState state = DaemonState::Stopped;
    bool ready = false;
    std::int64_t pid = 0;      // 0 when it does not run
    std::string started_at{};  // RFC 3339; empty when it does not run
    std::int64_t restarts = 0;
    std::optional<std::string> last_exit{};  // "exit 1" or "signal KILL"
    std::map<std::string, int> ports{};
    std::string config_dir{};
    std::string data_dir{};
    std::string log_file{};
    std::string spec_hash{};

    static auto fields() {
        using Self = Daemon;
        return harmony::plugin::fields(
            field("name", &Self::name).required(), field("state", &Self::state).required(),
            field("ready", &Self::ready), field("pid", &Self::pid), field("started_at", &Self::started_at),
            field("restarts", &Self::restarts), field("last_exit", &Self::last_exit),
            field("ports", &Self::ports), field("config_dir", &Self::config_dir),
            field("data_dir", &Self::data_dir), field("log_file", &Self::log_file),
            field("spec_hash", &Self::spec_hash));
    }
    friend bool operator==(const Daemon&, const Daemon&) = default;
};

enum class DaemonAction { None, Create, Update, Reload, Restart };
inline EnumNames<DaemonAction> enum_names(DaemonAction) {
    return {{DaemonAction::None, "none"},
            {DaemonAction::Create, "create"},
            {DaemonAction::Update, "update"},
            {DaemonAction::Reload, "reload"},
            {DaemonAction::Restart, "restart"}};
}

// For a step of a plan. DaemonAction::None has no step.
[[nodiscard]] std::optional<Action> step_action(DaemonAction action);

struct DaemonPlan {
    DaemonAction action = DaemonAction::None;
    std::vector<Difference> diff{};

    static auto fields() {
        return harmony::plugin::fields(field("action", &DaemonPlan::action).required(),
                                       field("diff", &DaemonPlan::diff));
    }
};

struct DaemonEnsured {
    DaemonAction action = DaemonAction::None;
    Daemon daemon;

    static auto fields() {
        return harmony::plugin::fields(field("action", &DaemonEnsured::action).required(),
                                       field("daemon", &DaemonEnsured::daemon).required());
    }
};

class ProcessHost {
 public:
    static constexpr std::string_view kId = "process-host/1";

    virtual ~ProcessHost() = default;

    // Reads only: what ensure would do, with what it would change.
    virtual Result<DaemonPlan> plan(const DaemonSpec& spec) = 0;
    // Returns when the daemon is ready; otherwise the diagnostic's detail carries its last log lines.
    virtual Result<DaemonEnsured> ensure(const DaemonSpec& spec) = 0;
    // Reads only. Nothing when there is no daemon of that name.
    virtual Result<std::optional<Daemon>> inspect(const std::string& name) = 0;
    // Reads only.
    virtual Result<std::vector<Daemon>> list() = 0;
    virtual Result<Daemon> restart(const std::string& name) = 0;
    // Stops it and removes its configuration; its data only when asked. False when there was none.
    virtual Result<bool> remove(const std::string& name, bool delete_data) = 0;
    // Reads only: the last lines of its log.
    virtual Result<std::vector<std::string>> logs(const std::string& name, int lines) = 0;

    // The three below joined process-host/1 later: a topology built before them answers
    // unknown_capability_method(), as their default does.

    // Ends it and leaves it ended, with its configuration and data, until restart or ensure. Returns when it
    // has ended.
    virtual Result<Daemon> stop(const std::string& name);
    // Sends its process a signal, such as "KILL": for tests of what happens then. A daemon that ends of it
    // is started again as after any other end. Returns once the signal is sent; process-host.not-running.
    virtual Result<void> signal(const std::string& name, const std::string& signal);
    // Reads only: daemons that were removed and whose data was kept, sorted.
    virtual Result<std::vector<std::string>> kept_data();

    [[nodiscard]] static std::unique_ptr<ProcessHost> client(CapabilityCaller& caller);
    [[nodiscard]] static Result<Json> dispatch(ProcessHost& server, std::string_view method,
                                               const Json& params);
};

}  // namespace harmony::plugin
