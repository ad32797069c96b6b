#include "control_loop.hpp"

#include <pthread.h>

#include <exception>

#include "harmony/contracts/heartbeat.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/daemon/backoff.hpp"
#include "harmony/daemon/logging.hpp"

namespace harmony::agent {

namespace nats = runtime::nats;

namespace {

constexpr runtime::daemon::Logger kLog("control");
constexpr std::size_t kQueuedCommands = 64;

}  // namespace

ControlLoop::ControlLoop(ControlOptions options, nats::NatsConnection& connection, const Clock& clock,
                         runtime::daemon::MetricsRegistry& metrics)
    : options_(std::move(options)),
      connection_(connection),
      clock_(clock),
      commands_(options_.device, options_.agent_version, clock, metrics),
      heartbeats_(metrics.counter("harmony_agent_heartbeats_total", "Heartbeats handed to the connection")),
      dropped_(metrics.counter("harmony_agent_commands_dropped_total", "Commands that found the queue full")),
      queue_(kQueuedCommands) {}

void ControlLoop::start() {
    thread_ = std::thread([this] {
        pthread_setname_np(pthread_self(), "control");
        try {
            run();
        } catch (const std::exception& error) {
            kLog.error("the control thread ended", {{"error", error.what()}});
            std::terminate();
        }
    });
}

void ControlLoop::stop() {
    queue_.close();
    if (thread_.joinable()) thread_.join();
}

void ControlLoop::enqueue_command(const nats::Message& message) {
    if (!queue_.try_push(message)) dropped_.add();
}

void ControlLoop::heartbeat_now() {
    // Where the queue is full the timer sends the next one.
    (void)queue_.try_push(Beat{});
}

void ControlLoop::set_digest(std::string digest) {
    const std::lock_guard lock(mutex_);
    digest_ = std::move(digest);
}

void ControlLoop::run() {
    using std::chrono::milliseconds;
    const auto next_beat = [&] {
        return clock_.steady() +
               runtime::daemon::jittered(options_.heartbeat_interval, contracts::kHeartbeatJitter);
    };
    SteadyTime due = next_beat();
    while (true) {
        const auto wait = std::chrono::ceil<milliseconds>(due - clock_.steady());
        auto item = queue_.pop(std::max(wait, milliseconds(0)));
        if (!item && queue_.closed()) return;
        if (item && std::holds_alternative<nats::Message>(*item)) {
            const auto& command = std::get<nats::Message>(*item);
            auto reply = commands_.answer(command);
            if (!reply) continue;
            nats::Message answer;
            answer.subject = command.reply;
            answer.payload = *std::move(reply);
            if (auto sent = connection_.publish(answer); !sent) {
                kLog.warning("a reply could not be sent", {{"error", sent.error().text()}});
            }
        } else if (item || clock_.steady() >= due) {
            send_heartbeat();
            due = next_beat();
        }
    }
}

void ControlLoop::send_heartbeat() {
    // One that waits for a reconnect would be late and wrong; connecting sends a fresh one.
    if (connection_.status() != nats::ConnectionStatus::Connected) return;
    contracts::Heartbeat heartbeat;
    heartbeat.agent_version = options_.agent_version;
    heartbeat.at = clock_.wall().seconds();
    {
        const std::lock_guard lock(mutex_);
        heartbeat.desired_digest = digest_;
    }
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
