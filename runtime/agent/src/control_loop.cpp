#include "control_loop.hpp"

#include <pthread.h>

#include <exception>

#include "harmony/daemon/logging.hpp"

namespace harmony::agent {

namespace nats = runtime::nats;

namespace {

constexpr runtime::daemon::Logger kLog("control");
constexpr std::size_t kQueuedCommands = 64;
constexpr std::string_view kPingEnd = ".ping";

}  // namespace

ControlLoop::ControlLoop(ControlOptions options, nats::NatsConnection& connection, const Clock& clock,
                         runtime::daemon::MetricsRegistry& metrics)
    : clock_(clock),
      logic_(std::move(options), connection, clock, metrics),
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
    // Its answer is made of what never changes, so it needs no turn on the control thread: handing it over
    // would be a fifth of a ping's round trip.
    if (message.subject.ends_with(kPingEnd)) return logic_.handle_command(message);
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
    while (true) {
        const auto wait = std::chrono::ceil<milliseconds>(logic_.next_due() - clock_.steady());
        auto item = queue_.pop(std::max(wait, milliseconds(0)));
        if (!item && queue_.closed()) return;
        {
            const std::lock_guard lock(mutex_);
            logic_.set_digest(digest_);
        }
        if (item && std::holds_alternative<Beat>(*item)) logic_.beat();
        if (item && !std::holds_alternative<Beat>(*item)) {
            logic_.handle_command(std::get<nats::Message>(*item));
        }
        // Also after a command: a flood of them must not silence the device.
        logic_.advance();
    }
}

}  // namespace harmony::agent
