#include "harmony/agent/control_logic.hpp"

#include "harmony/contracts/heartbeat.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/daemon/backoff.hpp"
#include "harmony/daemon/logging.hpp"

namespace harmony::agent {

namespace nats = runtime::nats;

namespace {

constexpr runtime::daemon::Logger kLog("control");

}  // namespace

ControlLogic::ControlLogic(ControlOptions options, nats::NatsConnection& connection, const Clock& clock,
                           runtime::daemon::MetricsRegistry& metrics)
    : options_(std::move(options)),
      connection_(connection),
      clock_(clock),
      commands_(options_.device, options_.agent_version, clock, metrics),
      heartbeats_(metrics.counter("harmony_agent_heartbeats_total", "Heartbeats handed to the connection")),
      next_beat_(clock.steady() +
                 runtime::daemon::jittered(options_.heartbeat_interval, contracts::kHeartbeatJitter)) {}

void ControlLogic::handle_command(const nats::Message& command) {
    auto reply = commands_.answer(command);
    if (!reply) return;
    nats::Message answer;
    answer.subject = command.reply;
    answer.payload = *std::move(reply);
    if (auto sent = connection_.publish(answer); !sent) {
        kLog.warning("a reply could not be sent", {{"error", sent.error().text()}});
    }
}

void ControlLogic::beat() {
    send_heartbeat();
    next_beat_ =
        clock_.steady() + runtime::daemon::jittered(options_.heartbeat_interval, contracts::kHeartbeatJitter);
}

void ControlLogic::advance() {
    if (clock_.steady() >= next_beat_) beat();
}

void ControlLogic::send_heartbeat() {
    // One that waits for a reconnect would be late and wrong; connecting sends a fresh one.
    if (connection_.status() != nats::ConnectionStatus::Connected) return;
    contracts::Heartbeat heartbeat;
    heartbeat.agent_version = options_.agent_version;
    heartbeat.at = clock_.wall().seconds();
    heartbeat.desired_digest = digest_;
    nats::Message message;
    message.subject =
        contracts::kv_subject(contracts::kDeviceHeartbeatBucket, contracts::heartbeat_key(options_.device));
    message.payload = heartbeat.encode();
    if (auto sent = connection_.publish(message); !sent) {
        kLog.warning("a heartbeat could not be sent", {{"error", sent.error().text()}});
        return;
    }
    heartbeats_.add();
}

}  // namespace harmony::agent
