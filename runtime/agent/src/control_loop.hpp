// The control thread: answers commands and sends heartbeats. It never talks to podman and never waits for the
// broker, so that a ping is answered whatever else goes on.
#pragma once

#include <mutex>
#include <string>
#include <thread>
#include <variant>

#include "harmony/agent/clock.hpp"
#include "harmony/agent/commands.hpp"
#include "harmony/daemon/bounded_queue.hpp"
#include "harmony/daemon/metrics.hpp"
#include "harmony/nats/connection.hpp"

namespace harmony::agent {

struct ControlOptions {
    contracts::DeviceId device;
    std::string agent_version;
    std::chrono::seconds heartbeat_interval;
};

class ControlLoop {
 public:
    ControlLoop(ControlOptions options, runtime::nats::NatsConnection& connection, const Clock& clock,
                runtime::daemon::MetricsRegistry& metrics);
    ~ControlLoop() { stop(); }
    ControlLoop(const ControlLoop&) = delete;
    ControlLoop& operator=(const ControlLoop&) = delete;

    void start();
    void stop();

    // Thread-safe and quick: for callbacks and the reconcile thread. A command that finds the queue full is
    // dropped and counted; whoever sent it sees a timeout.
    void enqueue_command(const runtime::nats::Message& message);
    void heartbeat_now();
    void set_digest(std::string digest);

 private:
    struct Beat {};
    using Item = std::variant<runtime::nats::Message, Beat>;

    void run();
    void send_heartbeat();

    ControlOptions options_;
    runtime::nats::NatsConnection& connection_;
    const Clock& clock_;
    CommandDispatcher commands_;
    runtime::daemon::Counter& heartbeats_;
    runtime::daemon::Counter& dropped_;
    runtime::daemon::BoundedQueue<Item> queue_;
    std::mutex mutex_;
    std::string digest_;
    std::thread thread_;
};

}  // namespace harmony::agent
