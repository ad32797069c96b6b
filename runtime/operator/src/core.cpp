#include "core.hpp"

#include <malloc.h>
#include <pthread.h>

#include <utility>

namespace harmony::op {

namespace daemon = runtime::daemon;
namespace nats = runtime::nats;
using contracts::Timestamp;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kQueueItems = 65'536;
constexpr int kItemsPerTurn = 4096;  // then the store is written and the writer fed
// Half a tick. What comes through the queue does not wait for it.
constexpr auto kTurn = 100ms;
constexpr std::int64_t kStuckAfterSeconds = 60;

}  // namespace

Core::Core(const KeeperFactory& make_keeper, const OperatorOptions& options, OperatorPorts ports,
           daemon::HealthRegistry& health, daemon::MetricsRegistry& metrics)
    : logic_(make_keeper, options, std::move(ports), health, metrics, Timestamp::now()),
      queue_(kQueueItems),
      dropped_heartbeats_(
          metrics.counter("harmony_operator_heartbeats_dropped_total", "Heartbeats lost to a full queue.")) {
    alive_at_ = Timestamp::now().seconds();
    health.add(daemon::CheckKind::Health, "core", [this]() -> Result<void> {
        const std::int64_t silence = Timestamp::now().seconds() - alive_at_.load();
        if (silence < kStuckAfterSeconds) return {};
        return fail(ErrorKind::Internal, "no turn for " + std::to_string(silence) + " s");
    });
}

Result<void> Core::restore() {
    return logic_.restore(Timestamp::now());
}

void Core::start(DesiredWriter& writer) {
    logic_.set_writer(writer);
    thread_ = std::jthread([this](const std::stop_token& stop) {
        pthread_setname_np(pthread_self(), "core");
        run(stop);
    });
}

void Core::stop() {
    queue_.close();
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
}

void Core::post(const OperatorEvent& event) {
    while (!queue_.closed() && !queue_.push(event, 200ms)) {
    }
}

bool Core::try_post_request(nats::Message request) {
    return queue_.try_push(std::move(request));
}
void Core::try_post_heartbeat(Event event) {
    if (!queue_.try_push(std::move(event))) dropped_heartbeats_.add();
}

void Core::run(const std::stop_token& stop) {
    bool trimmed = false;
    while (!stop.stop_requested()) {
        auto item = queue_.pop(kTurn);
        if (connected_again_.exchange(false)) logic_.handle(ConnectedAgain{}, Timestamp::now());
        if (bucket_trouble_.exchange(false)) logic_.handle(BucketTrouble{}, Timestamp::now());
        for (int taken = 0; item && taken < kItemsPerTurn; ++taken) {
            logic_.handle(std::move(*item), Timestamp::now());
            item = queue_.pop(0ms);
        }
        if (item) logic_.handle(std::move(*item), Timestamp::now());
        const Timestamp now = Timestamp::now();
        logic_.advance(now);
        alive_at_ = now.seconds();
        if (!trimmed && logic_.settled()) {
            trimmed = true;
            malloc_trim(0);  // the replay of large buckets leaves much behind
        }
    }
}

}  // namespace harmony::op
