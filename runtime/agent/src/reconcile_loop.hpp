// The reconcile thread: a queue of events in front of ReconcileLogic, and the threads of its workers.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "harmony/agent/reconcile_logic.hpp"
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
    [[nodiscard]] Result<void> load() { return logic_.load(); }
    void start();
    // False: a worker is still busy after `patience`; it is left running.
    [[nodiscard]] bool stop(std::chrono::milliseconds patience);

    // Thread-safe and quick: for callbacks. Whatever finds the queue full asks for everything to be read
    // again.
    void connected() { push(BrokerConnected{}); }
    void hint(const DesiredHint& hint) { push(hint); }
    void containers_changed();

 private:
    // False: the queue was full, and everything will be read again.
    bool push(ReconcileEvent event);
    void run();
    void handle(const ReconcileEvent& event);
    [[nodiscard]] std::chrono::milliseconds until_due() const;

    const Clock& clock_;
    runtime::daemon::BoundedQueue<ReconcileEvent> queue_;
    std::atomic<bool> events_lost_{false};
    std::atomic<bool> wake_waits_{false};
    WorkerThreads workers_;
    ReconcileLogic logic_;
    std::thread thread_;
};

}  // namespace harmony::agent
