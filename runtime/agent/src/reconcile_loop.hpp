// The reconcile thread: desired state in, containers compared, states and info out.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "harmony/agent/agent.hpp"
#include "harmony/agent/broker_writer.hpp"
#include "harmony/agent/desired_tracker.hpp"
#include "harmony/agent/reconciler.hpp"
#include "harmony/agent/state_book.hpp"
#include "harmony/daemon/bounded_queue.hpp"

namespace harmony::agent {

// Threads that work on one deployment each; started and ended as needed.
class WorkerThreads {
 public:
    ~WorkerThreads() { join(); }
    void run(std::function<void()> work);
    void join();

 private:
    struct Worker {
        std::thread thread;
        std::shared_ptr<std::atomic<bool>> done;
    };
    std::vector<Worker> workers_;
};

class ReconcileLoop {
 public:
    // `on_digest` is called from the reconcile thread whenever the digest of what is held changes.
    ReconcileLoop(const AgentConfig& config, std::string version, runtime::nats::NatsConnection& connection,
                  RuntimeFactory runtimes, const Clock& clock, runtime::daemon::HealthRegistry& health,
                  runtime::daemon::MetricsRegistry& metrics, std::function<void(std::string)> on_digest);
    ~ReconcileLoop() { (void)stop(std::chrono::hours(1)); }
    ReconcileLoop(const ReconcileLoop&) = delete;
    ReconcileLoop& operator=(const ReconcileLoop&) = delete;

    // Reads what the last life left on disk. Io where the state directory can't be used.
    [[nodiscard]] Result<void> load();
    void start();
    // False: a worker is still busy after `patience`; it is left running.
    [[nodiscard]] bool stop(std::chrono::milliseconds patience);

    // Thread-safe and quick: for callbacks. Whatever finds the queue full asks for everything to be read
    // again.
    void connected();
    void hint(const DesiredHint& hint);
    void containers_changed();

 private:
    struct Connected {};
    struct Wake {};
    using Event = std::variant<Connected, DesiredHint, Wake>;

    void push(Event event);
    void run();
    void handle(const Event& event);
    void take_desired();
    void tick();
    void publish();
    void refresh_info();
    void save_states();
    void publish_later(const Error& error);
    [[nodiscard]] std::chrono::milliseconds until_due() const;

    AgentConfig config_;
    std::string version_;
    runtime::nats::NatsConnection& connection_;
    const Clock& clock_;
    std::function<void(std::string)> on_digest_;
    std::shared_ptr<runtime::daemon::HealthRegistry::Flag> runtime_ready_;
    runtime::daemon::Counter& ticks_;
    runtime::daemon::Gauge& deployments_;
    runtime::daemon::Gauge& failed_;
    runtime::daemon::BoundedQueue<Event> queue_;
    std::atomic<bool> resync_{false};
    std::atomic<bool> wake_waits_{false};
    DesiredStore store_;
    StateBook book_;
    BrokerWriter writer_;
    std::optional<DesiredTracker> tracker_;
    WorkerThreads workers_;
    Reconciler reconciler_;
    contracts::DeviceInfo info_;
    bool info_known_ = false;      // info_ has been filled
    bool info_confirmed_ = false;  // the broker has it
    bool tick_wanted_ = true;
    bool save_desired_ = false;
    SteadyTime next_tick_{};
    SteadyTime next_resync_{};
    std::optional<SteadyTime> publish_after_;
    runtime::daemon::Backoff publish_backoff_;
    std::thread thread_;
};

}  // namespace harmony::agent
