#include "harmony/operator/bucket_sources.hpp"

#include <utility>
#include <vector>

#include "harmony/contracts/kv.hpp"
#include "harmony/nats/key_value.hpp"

namespace harmony::op {

namespace nats = runtime::nats;
using contracts::Timestamp;

namespace {

class WatchedBuckets final : public BucketSources {
 public:
    WatchedBuckets(nats::NatsConnection& connection, runtime::daemon::MetricsRegistry& metrics,
                   SourceEvents events)
        : decoder_(metrics, std::move(events)),
          info_(connection, std::string(contracts::kDeviceInfoBucket)),
          state_(connection, std::string(contracts::kDeviceStateBucket)),
          heartbeat_(connection, std::string(contracts::kDeviceHeartbeatBucket)) {
        watch(info_, Source::DeviceInfo);
        watch(state_, Source::DeviceState);
        watch(heartbeat_, Source::DeviceHeartbeat);
    }

    void restart() override {
        for (const auto& watch : watches_)
            watch->restart();
    }

 private:
    void watch(nats::KeyValue& bucket, Source source) {
        nats::WatchHandlers handlers;
        handlers.on_replay = [this, source] { decoder_.replay_began(source); };
        handlers.on_entry = [this, source](const nats::Entry& entry) {
            decoder_.take(source, entry, Timestamp::now());
        };
        handlers.on_caught_up = [this, source] { decoder_.caught_up(source); };
        handlers.on_trouble = [this](const Error& error) { decoder_.trouble(error); };
        watches_.push_back(bucket.watch(">", std::move(handlers)));
    }

    ReportDecoder decoder_;
    nats::KeyValue info_;
    nats::KeyValue state_;
    nats::KeyValue heartbeat_;
    std::vector<std::unique_ptr<nats::Watch>> watches_;  // last: stops first
};

}  // namespace

std::unique_ptr<BucketSources> watch_buckets(nats::NatsConnection& connection,
                                             runtime::daemon::MetricsRegistry& metrics, SourceEvents events) {
    return std::make_unique<WatchedBuckets>(connection, metrics, std::move(events));
}

}  // namespace harmony::op
