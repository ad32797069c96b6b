// The supervisor's answers to its clients.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "control_protocol.hpp"
#include "supervisor.hpp"

namespace harmony::local {
namespace {

using nlohmann::json;

// A daemon that ended so often since it was asked for is not going to become ready.
constexpr int kEndsUntilHopeless = 3;
constexpr std::size_t kLinesOfEvidence = 20;
// For daemons without a check of their own: they only have to live through the settle time.
constexpr std::chrono::seconds kUncheckedTimeout{10};

}  // namespace

void Supervisor::handle_request(const std::shared_ptr<Client>& client, const json& request) {
    const std::string method = request.value("method", "");
    const json params = request.value("params", json::object());
    Outcome<void> accepted;
    if (method == "ensure") {
        accepted = ensure(client, params);
    } else if (method == "restart") {
        accepted = restart(client, params);
    } else if (method == "remove") {
        accepted = remove(client, params);
    } else if (method == "stop") {
        accepted = stop(client, params);
    } else if (method == "signal") {
        accepted = signal(client, params);
    } else if (method == "ping") {
        answer(client, json::object());
    } else if (method == "shutdown") {
        // Another client may be about to start something: then its work decides.
        const bool stopping =
            clients_.size() == 1 && std::all_of(daemons_.begin(), daemons_.end(),
                                                [](const auto& d) { return d.second->is_stopped(); });
        answer(client, json{{"stopping", stopping}});
        told_to_end_ = told_to_end_ || stopping;
    } else {
        accepted = problem("local.protocol", "unknown request \"" + method + "\"");
    }
    if (!accepted) answer(client, pass_on(accepted.error()));
}

ManagedDaemon& Supervisor::add_daemon(const std::string& name) {
    auto daemon =
        std::make_unique<ManagedDaemon>(context_, name, [this](const std::string& text) { log(text); });
    daemon->on_news([this, name](ManagedDaemon::News news) { on_news(name, news); });
    return *daemons_.insert_or_assign(name, std::move(daemon)).first->second;
}

Outcome<void> Supervisor::ensure(const std::shared_ptr<Client>& client, const json& params) {
    auto spec = parse_daemon_spec(params.value("spec", json::object()));
    if (!spec) return pass_on(spec.error());
    const bool known = daemons_.count(spec->name) != 0;
    ManagedDaemon& daemon = known ? *daemons_.at(spec->name) : add_daemon(spec->name);
    const auto taken = [&](int port) {
        return std::any_of(daemons_.begin(), daemons_.end(), [&](const auto& entry) {
            const auto& ports = entry.second->record().ports;
            return std::any_of(ports.begin(), ports.end(),
                               [&](const auto& own) { return own.second == port; });
        });
    };
    const int exits_before = daemon.exits();
    auto action = daemon.apply(*spec, params.value("program_path", ""), taken);
    if (!action) {
        if (!known) daemons_.erase(spec->name);
        return pass_on(action.error());
    }
    if (call_off_stops(spec->name) && *action == DaemonAction::None) {
        daemon.restart();
        action = DaemonAction::Restart;
    }
    wait_until_ready(client, daemon, *action, exits_before);
    return {};
}

Outcome<ManagedDaemon*> Supervisor::known_daemon(const json& params) {
    const std::string name = params.value("name", "");
    const auto found = daemons_.find(name);
    if (found == daemons_.end()) return problem("process-host.not-found", "there is no daemon named " + name);
    return found->second.get();
}

Outcome<void> Supervisor::restart(const std::shared_ptr<Client>& client, const json& params) {
    const auto daemon = known_daemon(params);
    if (!daemon) return pass_on(daemon.error());
    const int exits_before = (*daemon)->exits();
    call_off_stops((*daemon)->name());
    (*daemon)->restart();
    wait_until_ready(client, **daemon, DaemonAction::Restart, exits_before);
    return {};
}

Outcome<void> Supervisor::stop(const std::shared_ptr<Client>& client, const json& params) {
    const auto daemon = known_daemon(params);
    if (!daemon) return pass_on(daemon.error());
    disappoint_waiters((*daemon)->name(), "was stopped");
    wait_until_stopped(client, **daemon, Goal::Stopped, false);
    return {};
}

Outcome<void> Supervisor::signal(const std::shared_ptr<Client>& client, const json& params) {
    const auto daemon = known_daemon(params);
    if (!daemon) return pass_on(daemon.error());
    if (auto sent = (*daemon)->signal(params.value("signal", "")); !sent) return sent;
    answer(client, Outcome<json>(json::object()));
    return {};
}

void Supervisor::wait_until_ready(const std::shared_ptr<Client>& client, ManagedDaemon& daemon,
                                  DaemonAction action, int exits_before) {
    Waiter waiter;
    waiter.client = client;
    waiter.daemon = daemon.name();
    waiter.action = action;
    waiter.exits_before = exits_before;
    const auto& spec = daemon.record().spec;
    const auto timeout = spec.readiness.kind == "none"
                             ? std::chrono::duration<double>(kUncheckedTimeout)
                             : std::chrono::duration<double>(spec.readiness.timeout_s);
    // What runs now may have to end first.
    const auto grace = std::chrono::duration<double>(action == DaemonAction::None ? 0 : spec.stop.grace_s);
    waiter.deadline =
        std::chrono::steady_clock::now() +
        std::chrono::duration_cast<TimePoint::duration>(daemon.is_stopping() ? timeout + grace : timeout);
    if (daemon.is_ready()) return answer(waiter.client, ready_result(waiter));
    waiters_.push_back(std::move(waiter));
}

Outcome<void> Supervisor::remove(const std::shared_ptr<Client>& client, const json& params) {
    const std::string name = params.value("name", "");
    auto found = daemons_.find(name);
    if (found == daemons_.end()) {
        // Data that an earlier removal kept.
        ManagedDaemon& former = add_daemon(name);
        former.take_over(std::nullopt);
        found = daemons_.find(name);
    }
    disappoint_waiters(name, "was removed");
    wait_until_stopped(client, *found->second, Goal::Removed, params.value("delete_data", false));
    return {};
}

void Supervisor::disappoint_waiters(const std::string& name, const std::string& why) {
    for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
        if (waiter->daemon != name || waiter->goal != Goal::Ready) {
            ++waiter;
            continue;
        }
        answer(waiter->client, problem("process-host.removed", name + " " + why + " before it became ready"));
        waiter = waiters_.erase(waiter);
    }
}

bool Supervisor::call_off_stops(const std::string& name) {
    bool any = false;
    for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
        if (waiter->daemon != name || waiter->goal == Goal::Ready) {
            ++waiter;
            continue;
        }
        any = true;
        answer(waiter->client, problem("process-host.superseded",
                                       name + " was asked for again before it had ended, and stays"));
        waiter = waiters_.erase(waiter);
    }
    return any;
}

void Supervisor::wait_until_stopped(const std::shared_ptr<Client>& client, ManagedDaemon& daemon, Goal goal,
                                    bool delete_data) {
    Waiter waiter;
    waiter.client = client;
    waiter.daemon = daemon.name();
    waiter.goal = goal;
    waiter.delete_data = delete_data;
    waiters_.push_back(std::move(waiter));
    daemon.stop();
}

void Supervisor::finish_stops() {
    for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
        const auto daemon = daemons_.find(waiter->daemon);
        const bool stopped = daemon == daemons_.end() || daemon->second->is_stopped();
        if (waiter->goal == Goal::Ready || !stopped) {
            ++waiter;
            continue;
        }
        answer(waiter->client, stopped_result(*waiter));
        waiter = waiters_.erase(waiter);
    }
}

Outcome<json> Supervisor::stopped_result(const Waiter& waiter) {
    const auto daemon = daemons_.find(waiter.daemon);
    if (waiter.goal == Goal::Stopped) return ready_result(waiter);
    if (daemon == daemons_.end()) return json{{"removed", true}};
    if (auto erased = daemon->second->erase(waiter.delete_data); !erased) return pass_on(erased.error());
    log(waiter.daemon + ": removed");
    daemons_.erase(daemon);
    return json{{"removed", true}};
}

void Supervisor::on_news(const std::string& name, ManagedDaemon::News news) {
    if (news == ManagedDaemon::News::Stopped) return;  // finish_stops() acts, outside the daemon's own calls
    for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
        const auto& daemon = *daemons_.at(name);
        const bool ready = news == ManagedDaemon::News::Ready;
        const bool hopeless = daemon.exits() - waiter->exits_before >= kEndsUntilHopeless;
        if (waiter->daemon != name || waiter->goal != Goal::Ready || (!ready && !hopeless)) {
            ++waiter;
            continue;
        }
        if (ready) {
            answer(waiter->client, ready_result(*waiter));
        } else {
            answer(waiter->client, pass_on(not_ready(*waiter, daemon, true)));
        }
        waiter = waiters_.erase(waiter);
    }
}

Outcome<json> Supervisor::ready_result(const Waiter& waiter) const {
    auto view = view_daemon(context_, waiter.daemon);
    if (!view) return pass_on(view.error());
    if (!*view)
        return problem("process-host.damaged", "the record of " + waiter.daemon + " cannot be read back");
    return json{{"action", to_string(waiter.action)}, {"daemon", to_json(**view)}};
}

Problem Supervisor::not_ready(const Waiter& waiter, const ManagedDaemon& daemon, bool keeps_ending) const {
    Problem found;
    found.retryable = true;
    if (keeps_ending) {
        found.code = "process-host.keeps-ending";
        found.summary = waiter.daemon + " ends again and again; the last time: " + daemon.last_exit();
    } else {
        found.code = "process-host.not-ready";
        found.summary = waiter.daemon + " runs but was not ready in time";
        if (daemon.exits() > waiter.exits_before)
            found.summary =
                waiter.daemon + " was not ready in time; the last time it ended: " + daemon.last_exit();
    }
    for (const auto& line : daemon.last_log_lines(kLinesOfEvidence))
        found.detail += line + "\n";
    found.hint = "its log is " + context_.daemon(waiter.daemon).log().string();
    return found;
}

}  // namespace harmony::local
