#include "managed_daemon.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>

#include "durable_file.hpp"
#include "listening_port.hpp"
#include "log_file.hpp"

namespace harmony::local {
namespace {

namespace fs = std::filesystem;

PolicyRules rules_of(const DaemonSpec& spec) {
    PolicyRules rules;
    rules.restart = spec.restart;
    rules.grace = std::chrono::milliseconds(static_cast<long long>(spec.stop.grace_s * 1000));
    rules.probed = spec.readiness.kind != "none";
    return rules;
}

std::string exit_text(const siginfo_t& info) {
    if (info.si_code == CLD_EXITED) return "exit " + std::to_string(info.si_status);
    return "signal " + signal_name(info.si_status).substr(3);
}

}  // namespace

ManagedDaemon::ManagedDaemon(const ContextFolders& context, std::string name, Log log)
    : context_(context),
      name_(std::move(name)),
      folders_(context.daemon(name_)),
      log_(std::move(log)),
      random_(std::random_device{}()) {}

void ManagedDaemon::take_over(std::optional<DaemonRecord> record) {
    if (record) record_ = std::move(*record);
    rules_ = rules_of(record_.spec);
    const StatusRecord before = load_status(folders_);
    state_.restarts = before.restarts;
    last_exit_ = before.last_exit;
    if (const auto run = adopt()) {
        log_(name_ + ": adopted process " + std::to_string(pid_));
        handle(Event::Adopted);
        if (record && run->spec_hash != record_.hash) handle(Event::Restart);
    } else if (record) {
        log_(name_ + ": found dead, will be started");
        handle(Event::FoundDead);
    }
}

std::optional<RunRecord> ManagedDaemon::adopt() {
    auto run = find_running(folders_, record_.program_path);
    if (!run) return std::nullopt;
    Descriptor process = watch_process(run->process.pid);
    // The number may have passed to another process between the look and the open.
    if (!process || !is_alive(run->process)) return std::nullopt;
    pidfd_ = std::move(process);
    pid_ = run->process.pid;
    is_child_ = false;
    return run;
}

Outcome<DaemonAction> ManagedDaemon::apply(const DaemonSpec& spec, const std::string& program_path,
                                           const std::function<bool(int)>& port_taken) {
    auto plan = plan_daemon(context_, spec, program_path);
    if (!plan) return pass_on(plan.error());
    for (auto& [port, number] : plan->ports) {
        if (number != 0) continue;
        const auto& ports = plan->ports;
        auto chosen = choose_free_port([&](int candidate) {
            return port_taken(candidate) || std::any_of(ports.begin(), ports.end(), [&](const auto& own) {
                       return own.second == candidate;
                   });
        });
        if (!chosen) return pass_on(chosen.error());
        number = *chosen;
    }
    if (plan->action == DaemonAction::None) return plan->action;
    if (plan->action == DaemonAction::Restart) {
        log_(name_ + ": restart");
        handle(Event::Restart);
        return plan->action;
    }
    log_(name_ + ": " + std::string(to_string(plan->action)));
    if (auto written = write_everything(spec, program_path, plan->ports); !written) {
        return pass_on(written.error());
    }
    if (plan->action == DaemonAction::Reload) {
        reload();
    } else {
        // The new rules hold at once, also for ending the old process.
        rules_ = rules_of(record_.spec);
        handle(Event::Restart);
    }
    return plan->action;
}

Outcome<void> ManagedDaemon::write_everything(const DaemonSpec& spec, const std::string& program_path,
                                              const std::map<std::string, int>& ports) {
    for (const auto& folder : {folders_.config(), folders_.data()}) {
        if (auto made = make_private_folders(folder); !made) return made;
    }
    DaemonRecord record;
    record.spec = spec;
    record.program_path = program_path;
    record.ports = ports;
    record.hash = spec_hash(spec, program_path);
    const auto values = placeholder_values(context_, name_, ports);
    for (const auto& arg : spec.args) {
        if (auto expanded = expand(arg, values); !expanded) return pass_on(expanded.error());
    }
    for (const auto& [name, value] : spec.env) {
        if (auto expanded = expand(value, values); !expanded) return pass_on(expanded.error());
    }
    // Files first: a crash in between shows as a difference in the next plan, never as an unnoticed old file.
    if (auto written = write_files(spec, values); !written) return written;
    if (auto saved = save_record(folders_, record); !saved) return saved;
    for (auto& file : record.spec.files)
        file.content.clear();
    record_ = std::move(record);
    return {};
}

Outcome<void> ManagedDaemon::write_files(const DaemonSpec& spec, const PlaceholderValues& values) {
    for (const auto& file : spec.files) {
        const fs::path path = folders_.config() / file.path;
        auto content = expand(file.content, values);
        if (!content) return pass_on(content.error());
        if (auto made = make_private_folders(path.parent_path()); !made) return made;
        if (auto written = write_file(path, *content, file.mode, Durability::OnDisk); !written)
            return written;
    }
    for (const auto& old : record_.spec.files) {
        const bool kept = std::any_of(spec.files.begin(), spec.files.end(),
                                      [&](const auto& file) { return file.path == old.path; });
        std::error_code ignored;
        if (!kept) fs::remove(folders_.config() / old.path, ignored);
    }
    return {};
}

void ManagedDaemon::reload() {
    send_signal(pidfd_, signal_number(record_.spec.reload_signal));
    auto run = find_running(folders_, record_.program_path);
    if (run) {
        run->spec_hash = record_.hash;
        if (auto saved = save_run(folders_, *run); !saved) log_(name_ + ": " + saved.error().summary);
    }
    handle(Event::Reloaded);
}

void ManagedDaemon::restart() {
    handle(Event::Restart);
}

void ManagedDaemon::stop() {
    handle(Event::Stop);
}

Outcome<void> ManagedDaemon::signal(const std::string& name) {
    const int number = signal_number(name);
    if (number <= 0) return problem("process-host.invalid-signal", "there is no signal \"" + name + "\"");
    if (!pidfd_) return problem("process-host.not-running", "the daemon " + name_ + " does not run");
    log_(name_ + ": signal " + name + " was asked for");
    send_signal(pidfd_, number);
    return {};
}

Outcome<void> ManagedDaemon::erase(bool delete_data) {
    std::error_code error;
    // The spec goes first: what is left after a crash here is no daemon any more.
    fs::remove(folders_.spec(), error);
    if (!error && delete_data) {
        fs::remove_all(folders_.root(), error);
    } else if (!error) {
        for (fs::directory_iterator entry(folders_.root(), error), end; !error && entry != end;
             entry.increment(error)) {
            if (entry->path() != folders_.data()) fs::remove_all(entry->path(), error);
        }
        if (!error && fs::is_empty(folders_.data(), error)) fs::remove_all(folders_.root(), error);
    }
    if (error && error != std::errc::no_such_file_or_directory) {
        return system_problem("remove " + folders_.root().string(), error.value());
    }
    return {};
}

std::vector<std::string> ManagedDaemon::last_log_lines(std::size_t count) const {
    return last_lines(folders_.log(), count);
}

void ManagedDaemon::rotate() {
    if (auto rotated = rotate_log(folders_.log()); !rotated) log_(name_ + ": " + rotated.error().summary);
}

std::optional<TimePoint> ManagedDaemon::next_wake() const {
    std::optional<TimePoint> wake = state_.wake;
    if (probe_ && (!wake || probe_->deadline() < *wake)) wake = probe_->deadline();
    return wake;
}

void ManagedDaemon::on_process_end() {
    last_exit_ = "ended while it was not a child of the supervisor";
    if (is_child_) {
        siginfo_t info{};
        // Before the process is reaped its number, and so its group's, cannot be given to another one.
        if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
            info.si_pid == 0) {
            return;
        }
        last_exit_ = exit_text(info);
        ::kill(-pid_, SIGKILL);
        ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG);
    }
    log_(name_ + ": process " + std::to_string(pid_) + " ended: " + last_exit_);
    pidfd_.reset();
    clear_leftovers(folders_, pid_);
    pid_ = 0;
    handle(Event::Exited);
}

void ManagedDaemon::on_probe_activity() {
    if (!probe_) return;
    const auto outcome = probe_->advance(std::chrono::steady_clock::now());
    if (outcome == ReadinessProbe::Outcome::Pending) return;
    probe_.reset();
    handle(outcome == ReadinessProbe::Outcome::Ready ? Event::ProbeSucceeded : Event::ProbeFailed);
}

void ManagedDaemon::on_timer() {
    const auto now = std::chrono::steady_clock::now();
    if (probe_ && probe_->deadline() <= now) on_probe_activity();
    if (state_.wake && *state_.wake <= now) handle(Event::Timer);
}

void ManagedDaemon::handle(Event event) {
    std::uniform_real_distribution<double> jitter(-1, 1);
    auto next = step(state_, rules_, event, std::chrono::steady_clock::now(), jitter(random_));
    const bool changed = next.state.phase != state_.phase || next.state.restarts != state_.restarts;
    state_ = next.state;
    if (changed) save_status_now();
    for (const Action action : next.actions)
        perform(action);
}

void ManagedDaemon::perform(Action action) {
    switch (action) {
        case Action::Launch:
            return perform_launch();
        case Action::SendStopSignal:
            send_signal(pidfd_, signal_number(record_.spec.stop.signal));
            return;
        case Action::KillGroup:
            log_(name_ + ": did not end in time, killed");
            // The process lives, so the group is still its own: it leads its session and cannot leave.
            ::kill(-pid_, SIGKILL);
            return;
        case Action::Probe:
            return begin_probe();
        case Action::CancelProbe:
            probe_.reset();
            return;
        case Action::AnnounceReady:
            if (listener_) listener_(News::Ready);
            return;
        case Action::AnnounceExit:
            if (listener_) listener_(News::Exited);
            return;
        case Action::AnnounceStopped:
            if (listener_) listener_(News::Stopped);
            return;
    }
}

void ManagedDaemon::begin_probe() {
    std::string socket_path;
    if (auto expanded =
            expand(record_.spec.readiness.path, placeholder_values(context_, name_, record_.ports))) {
        socket_path = *expanded;
    }
    probe_.emplace(record_.spec.readiness, record_.ports, socket_path, std::chrono::steady_clock::now());
    // A refused connection is known at once, and poll() would report it only as an error.
    on_probe_activity();
}

Outcome<LaunchOrder> ManagedDaemon::launch_order() const {
    if (record_.program_path.empty()) {
        return problem("process-host.damaged", folders_.spec().string() + " is damaged; apply it again");
    }
    LaunchOrder order{folders_, record_.program_path, {}, {}, record_.hash};
    const auto values = placeholder_values(context_, name_, record_.ports);
    for (const auto& arg : record_.spec.args) {
        auto expanded = expand(arg, values);
        if (!expanded) return pass_on(expanded.error());
        order.args.push_back(std::move(*expanded));
    }
    for (const auto& [name, value] : record_.spec.env) {
        auto expanded = expand(value, values);
        if (!expanded) return pass_on(expanded.error());
        order.env.emplace(name, std::move(*expanded));
    }
    return order;
}

void ManagedDaemon::perform_launch() {
    clear_leftovers(folders_, pid_);
    auto order = launch_order();
    auto launched = order ? launch(*order) : Outcome<Launched>(pass_on(order.error()));
    if (!launched) {
        last_exit_ = launched.error().summary;
        log_(name_ + ": " + last_exit_);
        return handle(Event::LaunchFailed);
    }
    pid_ = launched->pid;
    pidfd_ = std::move(launched->pidfd);
    is_child_ = true;
    log_(name_ + ": started process " + std::to_string(pid_));
    handle(Event::Launched);
}

void ManagedDaemon::save_status_now() {
    const bool ready = is_ready();
    const StatusRecord status{std::string(to_string(state_.phase)), ready, state_.restarts, last_exit_};
    if (auto saved = save_status(folders_, status); !saved) log_(name_ + ": " + saved.error().summary);
}

}  // namespace harmony::local
