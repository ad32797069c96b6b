// The control thread: a queue of commands in front of ControlLogic. It never talks to podman and never waits
// for the broker, so that a ping is answered whatever else goes on.
#pragma once

#include <mutex>
#include <string>
#include <thread>
#include <variant>

#include "harmony/agent/control_logic.hpp"
#include "harmony/daemon/bounded_queue.hpp"

namespace harmony::agent {

class ControlLoop {
 public:
    ControlLoop(ControlOptions options, runtime::nats::NatsConnection& connection, const Clock& clock,
                runtime::daemon::MetricsRegistry& metrics);
    ~ControlLoop() { stop(); }
    ControlLoop(const ControlLoop&) = delete;
    ControlLoop& operator=(const ControlLoop&) = delete;

    // Before start(); it must outlive this.
    void offer(LongCommands& long_commands) { logic_.offer(long_commands); }
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

    const Clock& clock_;
    ControlLogic logic_;
    runtime::daemon::Counter& dropped_;
    runtime::daemon::BoundedQueue<Item> queue_;
    std::mutex mutex_;
    std::string digest_;
    std::thread thread_;
};

}  // namespace harmony::agent
