// The thread that steps OperatorLogic, and the queue in front of it.
#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "harmony/daemon/bounded_queue.hpp"
#include "harmony/operator/operator_logic.hpp"

namespace harmony::op {

class Core {
 public:
    Core(const KeeperFactory& make_keeper, const OperatorOptions& options, OperatorPorts ports,
         runtime::daemon::HealthRegistry& health, runtime::daemon::MetricsRegistry& metrics);
    ~Core() { stop(); }

    // Reads the store into the reducer. Call once, before start().
    [[nodiscard]] Result<void> restore();
    // The writer must outlive the thread.
    void start(DesiredWriter& writer);
    void stop();

    // For any thread. post() waits for room as long as core runs; try_* never wait.
    void post(const OperatorEvent& event);
    void try_post_heartbeat(Event event);
    // Heard however full the queue is: within a turn.
    void post_connected() { connected_again_ = true; }
    void post_trouble() { bucket_trouble_ = true; }
    [[nodiscard]] bool try_post_request(runtime::nats::Message request);

 private:
    void run(const std::stop_token& stop);

    OperatorLogic logic_;
    runtime::daemon::BoundedQueue<OperatorEvent> queue_;
    std::atomic<bool> connected_again_{false};
    std::atomic<bool> bucket_trouble_{false};
    std::atomic<std::int64_t> alive_at_{0};
    runtime::daemon::Counter& dropped_heartbeats_;
    std::jthread thread_;
};

}  // namespace harmony::op
