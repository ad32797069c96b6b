#include "harmony/operator/bucket_sources.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "harmony/contracts/heartbeat.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/daemon/logging.hpp"
#include "harmony/nats/key_value.hpp"

namespace harmony::op {

namespace nats = runtime::nats;
using contracts::Timestamp;

namespace {

constexpr runtime::daemon::Logger kLog("sources");

class WatchedBuckets final : public BucketSources {
 public:
    WatchedBuckets(nats::NatsConnection& connection, runtime::daemon::MetricsRegistry& metrics,
                   SourceEvents events)
        : events_(std::move(events)),
          info_(connection, std::string(contracts::kDeviceInfoBucket)),
          state_(connection, std::string(contracts::kDeviceStateBucket)),
          heartbeat_(connection, std::string(contracts::kDeviceHeartbeatBucket)) {
        for (const std::string_view bucket : {contracts::kDeviceInfoBucket, contracts::kDeviceStateBucket,
                                              contracts::kDeviceHeartbeatBucket}) {
            malformed_.push_back(&metrics.counter("harmony_operator_malformed_entries_total",
                                                  "Keys or values that break the contract and were ignored.",
                                                  {{"bucket", std::string(bucket)}}));
        }
        watch(info_, Source::DeviceInfo, [this](const nats::Entry& entry) { return take_info(entry); });
        watch(state_, Source::DeviceState, [this](const nats::Entry& entry) { return take_state(entry); });
        watch(heartbeat_, Source::DeviceHeartbeat,
              [this](const nats::Entry& entry) { return take_heartbeat(entry); });
    }

    void restart() override {
        for (const auto& watch : watches_)
            watch->restart();
    }

 private:
    template <class Take>
    void watch(nats::KeyValue& bucket, Source source, Take take) {
        nats::WatchHandlers handlers;
        handlers.on_replay = [this, source] {
            if (source == Source::DeviceState) events_.on_event(StateReplayBegan{});
            if (source == Source::DeviceHeartbeat) replaying_ = true;
        };
        handlers.on_entry = [this, source, take](const nats::Entry& entry) {
            const Result<void> taken = take(entry);
            if (taken) return;
            malformed_[static_cast<std::size_t>(source)]->add();
            kLog.warning("an entry was ignored", {{"key", entry.key}, {"error", taken.error().text()}});
        };
        handlers.on_caught_up = [this, source] {
            if (source == Source::DeviceState) events_.on_event(StateReplayEnded{});
            if (source == Source::DeviceHeartbeat) replaying_ = false;
            events_.on_caught_up(source);
        };
        handlers.on_trouble = [this](const Error& error) {
            kLog.warning("a bucket will be watched anew", {{"error", error.text()}});
            events_.on_trouble();
        };
        watches_.push_back(bucket.watch(">", std::move(handlers)));
    }

    // A deleted info changes nothing: a device is forgotten when a person says so.
    Result<void> take_info(const nats::Entry& entry) {
        const auto device = contracts::parse_device_info_key(entry.key);
        if (!device) return fail(device.error());
        if (entry.deleted) return {};
        auto info = contracts::DeviceInfo::decode(entry.value);
        if (!info) return fail(info.error());
        if (info->device_id != *device) {
            return fail(ErrorKind::InvalidInput, "device_id: found \"" + info->device_id.str() +
                                                     "\", expected \"" + device->str() + "\", as in the key");
        }
        events_.on_info(std::move(*info));
        return {};
    }

    Result<void> take_state(const nats::Entry& entry) {
        const auto key = contracts::parse_device_state_key(entry.key);
        if (!key) return fail(key.error());
        if (entry.deleted) {
            events_.on_event(StateWithdrawn{key->device, key->deployment});
            return {};
        }
        auto state = contracts::DeploymentState::decode(entry.value);
        if (!state) return fail(state.error());
        if (state->deployment != key->deployment) {
            return fail(ErrorKind::InvalidInput, "deployment: found \"" + state->deployment.str() +
                                                     "\", expected \"" + key->deployment.str() +
                                                     "\", as in the key");
        }
        events_.on_event(StateReported{key->device, std::move(*state)});
        return {};
    }

    // A replayed heartbeat has no arrival: the device's own word stands, but not beyond now.
    Result<void> take_heartbeat(const nats::Entry& entry) {
        const auto device = contracts::parse_heartbeat_key(entry.key);
        if (!device) return fail(device.error());
        if (entry.deleted) return {};
        auto heartbeat = contracts::Heartbeat::decode(entry.value);
        if (!heartbeat) return fail(heartbeat.error());
        const Timestamp now = Timestamp::now();
        const std::int64_t said = std::clamp<std::int64_t>(heartbeat->at, 0, now.seconds());
        const Timestamp seen = replaying_ ? Timestamp::from_microseconds(said * 1'000'000) : now;
        events_.on_heartbeat(HeartbeatSeen{*device, std::move(heartbeat->desired_digest), seen});
        return {};
    }

    const SourceEvents events_;
    nats::KeyValue info_;
    nats::KeyValue state_;
    nats::KeyValue heartbeat_;
    std::vector<runtime::daemon::Counter*> malformed_;
    bool replaying_ = true;                              // of the heartbeats; only their thread uses it
    std::vector<std::unique_ptr<nats::Watch>> watches_;  // last: stops first
};

}  // namespace

std::unique_ptr<BucketSources> watch_buckets(nats::NatsConnection& connection,
                                             runtime::daemon::MetricsRegistry& metrics, SourceEvents events) {
    return std::make_unique<WatchedBuckets>(connection, metrics, std::move(events));
}

}  // namespace harmony::op
