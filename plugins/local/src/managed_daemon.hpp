// One daemon in the supervisor: carries out what the restart policy decides.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "daemon_plan.hpp"
#include "daemon_record.hpp"
#include "launcher.hpp"
#include "readiness_probe.hpp"
#include "restart_policy.hpp"

namespace harmony::local {

// Used by the supervisor's one thread. Its descriptors are polled by the supervisor, which then calls the
// matching on_ function.
class ManagedDaemon {
 public:
    enum class News { Ready, Exited, Stopped };
    using Listener = std::function<void(News)>;
    using Log = std::function<void(const std::string&)>;

    // The context has to outlive the daemon. The listener is called from within any of the functions below.
    ManagedDaemon(const ContextFolders& context, std::string name, Log log);
    void on_news(Listener listener) { listener_ = std::move(listener); }

    // Takes over what an earlier supervisor left: keeps a living process, plans the start of a dead one.
    // Without a record (it is damaged) a living process is only watched, until the next apply or stop.
    void take_over(std::optional<DaemonRecord> record);
    // Writes spec and files, chooses ports, and starts, reloads or restarts the process as planned. The
    // program has been resolved; contents of files are in the spec.
    [[nodiscard]] Outcome<DaemonAction> apply(const DaemonSpec& spec, const std::string& program_path,
                                              const std::function<bool(int)>& port_taken);
    void restart();
    void stop();
    // process-host.not-running, or process-host.invalid-signal.
    [[nodiscard]] Outcome<void> signal(const std::string& name);
    // After News::Stopped. With delete_data nothing of the daemon is left.
    [[nodiscard]] Outcome<void> erase(bool delete_data);

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] const DaemonRecord& record() const { return record_; }
    [[nodiscard]] bool is_ready() const { return state_.phase == Phase::Running; }
    [[nodiscard]] bool is_stopped() const { return state_.phase == Phase::Stopped; }
    [[nodiscard]] bool is_stopping() const { return state_.phase == Phase::Stopping; }
    [[nodiscard]] int exits() const { return state_.restarts; }
    [[nodiscard]] const std::string& last_exit() const { return last_exit_; }
    [[nodiscard]] std::vector<std::string> last_log_lines(std::size_t count) const;
    void rotate();

    [[nodiscard]] int process_descriptor() const { return pidfd_.get(); }
    [[nodiscard]] const ReadinessProbe* probe() const { return probe_ ? &*probe_ : nullptr; }
    [[nodiscard]] std::optional<TimePoint> next_wake() const;
    void on_process_end();
    void on_probe_activity();
    void on_timer();

 private:
    // Watches the daemon's process if one lives; what it was started as.
    std::optional<RunRecord> adopt();
    void handle(Event event);
    void perform(Action action);
    void perform_launch();
    void begin_probe();
    void reload();
    [[nodiscard]] Outcome<void> write_everything(const DaemonSpec& spec, const std::string& program_path,
                                                 const std::map<std::string, int>& ports);
    [[nodiscard]] Outcome<void> write_files(const DaemonSpec& spec, const PlaceholderValues& values);
    [[nodiscard]] Outcome<LaunchOrder> launch_order() const;
    void save_status_now();

    const ContextFolders& context_;
    std::string name_;
    DaemonFolders folders_;
    Log log_;
    Listener listener_;
    DaemonRecord record_;
    PolicyRules rules_;
    PolicyState state_;
    pid_t pid_ = 0;
    bool is_child_ = false;
    Descriptor pidfd_;
    std::optional<ReadinessProbe> probe_;
    std::string last_exit_;
    std::minstd_rand random_;
};

}  // namespace harmony::local
