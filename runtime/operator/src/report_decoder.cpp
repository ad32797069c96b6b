#include "harmony/operator/report_decoder.hpp"

#include <algorithm>
#include <utility>

#include "harmony/contracts/heartbeat.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/daemon/logging.hpp"

namespace harmony::op {

namespace nats = runtime::nats;
using contracts::Timestamp;

namespace {

constexpr runtime::daemon::Logger kLog("sources");
constexpr std::array<std::string_view, 3> kSourceBuckets{
    contracts::kDeviceInfoBucket, contracts::kDeviceStateBucket, contracts::kDeviceHeartbeatBucket};

}  // namespace

ReportDecoder::ReportDecoder(runtime::daemon::MetricsRegistry& metrics, SourceEvents events)
    : events_(std::move(events)) {
    std::size_t next = 0;
    for (const std::string_view bucket : kSourceBuckets) {
        malformed_.at(next++) = &metrics.counter("harmony_operator_malformed_entries_total",
                                                 "Keys or values that break the contract and were ignored.",
                                                 {{"bucket", std::string(bucket)}});
    }
}

void ReportDecoder::replay_began(Source source) {
    if (source == Source::DeviceState) events_.on_event(StateReplayBegan{});
    if (source == Source::DeviceHeartbeat) replaying_ = true;
    Ignored& ignored = ignored_.at(static_cast<std::size_t>(source));
    for (const auto& [key, problem] : ignored.problems)
        ignored.unrepeated.insert(key);
}

void ReportDecoder::take(Source source, const nats::Entry& entry, Timestamp now) {
    const Result<void> taken = source == Source::DeviceInfo    ? take_info(entry)
                               : source == Source::DeviceState ? take_state(entry)
                                                               : take_heartbeat(entry, now);
    // A key that is wrong and gone is no trouble any more.
    if (taken || entry.deleted) return accept(source, entry.key);
    malformed_.at(static_cast<std::size_t>(source))->add();
    ignore(source, entry.key, taken.error().text());
}

void ReportDecoder::ignore(Source source, const std::string& key, const std::string& problem) {
    Ignored& ignored = ignored_.at(static_cast<std::size_t>(source));
    ignored.unrepeated.erase(key);
    const auto known = ignored.problems.find(key);
    if (known != ignored.problems.end() && known->second == problem) return;
    if (known == ignored.problems.end() && ignored.problems.size() >= IgnoredEntries::kMost) return;
    ignored.problems.insert_or_assign(key, problem);
    kLog.warning("an entry is ignored", {{"key", key}, {"error", problem}});
    tell(source, key, problem);
}

void ReportDecoder::accept(Source source, const std::string& key) {
    Ignored& ignored = ignored_.at(static_cast<std::size_t>(source));
    if (ignored.problems.empty() || ignored.problems.erase(key) == 0) return;
    ignored.unrepeated.erase(key);
    tell(source, key, "");
}

void ReportDecoder::tell(Source source, const std::string& key, const std::string& problem) {
    if (!events_.on_ignored) return;
    events_.on_ignored({std::string(kSourceBuckets.at(static_cast<std::size_t>(source))), key, problem});
}

void ReportDecoder::caught_up(Source source) {
    if (source == Source::DeviceState) events_.on_event(StateReplayEnded{});
    if (source == Source::DeviceHeartbeat) replaying_ = false;
    Ignored& ignored = ignored_.at(static_cast<std::size_t>(source));
    for (const std::string& key : std::exchange(ignored.unrepeated, {}))
        accept(source, key);
    events_.on_caught_up(source);
}

void ReportDecoder::trouble(const Error& error) {
    kLog.warning("a bucket will be watched anew", {{"error", error.text()}});
    events_.on_trouble();
}

// Where a store keeps the devices a deleted info changes nothing: one is forgotten when a person says so.
Result<void> ReportDecoder::take_info(const nats::Entry& entry) {
    const auto device = contracts::parse_device_info_key(entry.key);
    if (!device) return fail(device.error());
    if (entry.deleted) {
        if (events_.on_info_deleted) events_.on_info_deleted(*device);
        return {};
    }
    auto info = contracts::DeviceInfo::decode(entry.value);
    if (!info) return fail(info.error());
    if (info->device_id != *device) {
        return fail(ErrorKind::InvalidInput, "device_id: found \"" + info->device_id.str() +
                                                 "\", expected \"" + device->str() + "\", as in the key");
    }
    events_.on_info(std::move(*info));
    return {};
}

Result<void> ReportDecoder::take_state(const nats::Entry& entry) {
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
Result<void> ReportDecoder::take_heartbeat(const nats::Entry& entry, Timestamp now) {
    const auto device = contracts::parse_heartbeat_key(entry.key);
    if (!device) return fail(device.error());
    if (entry.deleted) return {};
    auto heartbeat = contracts::Heartbeat::decode(entry.value);
    if (!heartbeat) return fail(heartbeat.error());
    const std::int64_t said =
        std::clamp<std::int64_t>(heartbeat->at, 0, std::max<std::int64_t>(0, now.seconds()));
    const Timestamp seen = replaying_ ? Timestamp::from_microseconds(said * 1'000'000) : now;
    events_.on_heartbeat(HeartbeatSeen{*device, std::move(heartbeat->desired_digest), seen});
    return {};
}

}  // namespace harmony::op
