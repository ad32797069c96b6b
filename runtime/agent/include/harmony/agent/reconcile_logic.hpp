// What the reconcile thread does, without the thread: desired state in, containers compared, states and info
// out.
//
// Stepped by whoever owns it: handle() what happened, then advance(), then nothing until next_due() or the
// next event. It starts no thread, sleeps for nothing and takes time, disk and randomness from outside; a
// request to the broker and a look at podman's list block it while they last, nothing else does.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "harmony/agent/broker_writer.hpp"
#include "harmony/agent/clock.hpp"
#include "harmony/agent/config.hpp"
#include "harmony/agent/desired_tracker.hpp"
#include "harmony/agent/reconciler.hpp"
#include "harmony/agent/state_book.hpp"
#include "harmony/daemon/disk.hpp"
#include "harmony/daemon/health.hpp"
#include "harmony/daemon/metrics.hpp"

namespace harmony::agent {

// The connection was made, or made again: the broker may have lost what it confirmed.
struct BrokerConnected {};
// Podman told of a change, or a worker is done.
struct ContainersChanged {};
// Events were lost: everything is read again.
struct EventsLost {};
using ReconcileEvent = std::variant<BrokerConnected, DesiredHint, ContainersChanged, EventsLost>;

// All referred to must outlive the logic.
struct ReconcileParts {
    runtime::nats::NatsConnection& connection;
    RuntimeFactory runtimes;
    Executor executor;
    std::function<void()> wake;                  // called by a worker that is done: bring ContainersChanged
    std::function<void(std::string)> on_digest;  // whenever the digest of what is held changes
    // Everything but the container runtime; nothing where it can't be read.
    std::function<std::optional<contracts::Inventory>()> inventory;
    const Clock& clock;
    runtime::daemon::Disk& disk;
    PathCheck path_check = check_path;  // of volumes
};

class ReconcileLogic {
 public:
    ReconcileLogic(const AgentConfig& config, std::string version, ReconcileParts parts,
                   runtime::daemon::HealthRegistry& health, runtime::daemon::MetricsRegistry& metrics);

    // Reads what the last life left on disk. Io where the state directory can't be used.
    [[nodiscard]] Result<void> load();
    // Once, after load(): the containers of the last life are looked at before the broker is asked anything.
    void begin();

    void handle(const ReconcileEvent& event);
    // Does what is due.
    void advance();
    [[nodiscard]] SteadyTime next_due() const;

    // Asks workers to end; idle() once none is at work.
    void cancel_work() { reconciler_.cancel_work(); }
    [[nodiscard]] bool idle() const { return reconciler_.idle(); }
    // What is still unwritten of the states.
    void save_states();

    [[nodiscard]] const HeldDesired& held() const { return tracker_->held(); }
    [[nodiscard]] const StateBook& book() const { return book_; }

 private:
    void tell_everything_again();
    void take_desired();
    void tick();
    void save_desired();
    void note_saved(std::optional<std::string>& unsaved, const Result<void>& saved);
    void publish();
    void refresh_info();
    void publish_later(const Error& error);

    AgentConfig config_;
    std::string version_;
    ReconcileParts parts_;
    std::shared_ptr<runtime::daemon::HealthRegistry::Flag> runtime_ready_;
    std::shared_ptr<runtime::daemon::HealthRegistry::Flag> disk_ready_;
    runtime::daemon::Counter& ticks_;
    runtime::daemon::Gauge& deployments_;
    runtime::daemon::Gauge& failed_;
    runtime::daemon::Counter& save_failures_;
    std::optional<std::string> desired_unsaved_;  // why, since the last time it failed
    std::optional<std::string> states_unsaved_;
    DesiredStore store_;
    StateBook book_;
    BrokerWriter writer_;
    std::optional<DesiredTracker> tracker_;
    Reconciler reconciler_;
    contracts::DeviceInfo info_;
    bool info_known_ = false;      // info_ has been filled
    bool info_confirmed_ = false;  // the broker has it
    bool tick_wanted_ = true;
    bool resync_wanted_ = false;
    bool save_desired_ = false;
    SteadyTime next_tick_{};
    SteadyTime next_resync_{};
    std::optional<SteadyTime> publish_after_;
    runtime::daemon::Backoff publish_backoff_;
};

}  // namespace harmony::agent
