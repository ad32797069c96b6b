// What the control thread does, without the thread: answers commands and sends heartbeats. Nothing in it
// waits for podman or for the broker.
#pragma once

#include <string>

#include "harmony/agent/clock.hpp"
#include "harmony/agent/commands.hpp"
#include "harmony/daemon/metrics.hpp"
#include "harmony/nats/connection.hpp"

namespace harmony::agent {

struct ControlOptions {
    contracts::DeviceId device;
    std::string agent_version;
    std::chrono::seconds heartbeat_interval;
};

// Not thread-safe: it belongs to the control thread.
class ControlLogic {
 public:
    ControlLogic(ControlOptions options, runtime::nats::NatsConnection& connection, const Clock& clock,
                 runtime::daemon::MetricsRegistry& metrics);

    // Logs and exec, too. To be called before the first command; it must outlive this.
    void offer(LongCommands& long_commands) { commands_.offer(long_commands); }

    // A ping may come from any thread.
    void handle_command(const runtime::nats::Message& command);
    // What the next heartbeats tell of what the device holds.
    void set_digest(std::string digest) { digest_ = std::move(digest); }
    // Sends a heartbeat now, and the next an interval later.
    void beat();
    // The heartbeat, where it is due.
    void advance();
    [[nodiscard]] SteadyTime next_due() const { return next_beat_; }

 private:
    void send_heartbeat();

    ControlOptions options_;
    runtime::nats::NatsConnection& connection_;
    const Clock& clock_;
    CommandDispatcher commands_;
    runtime::daemon::Counter& heartbeats_;
    std::string digest_;
    SteadyTime next_beat_;
};

}  // namespace harmony::agent
