// What the operator learns, one struct per fact. Each says how something is, never how it changed, so that
// hearing it twice, or late, does no harm.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "harmony/contracts/deployment_state.hpp"
#include "harmony/contracts/device_info.hpp"
#include "harmony/contracts/heartbeat.hpp"
#include "harmony/contracts/names.hpp"
#include "harmony/contracts/resources.hpp"
#include "harmony/contracts/timestamps.hpp"
#include "harmony/operator/rollout.hpp"

namespace harmony::op {

// The device exists and carries these labels.
struct DeviceKnown {
    contracts::DeviceId device;
    contracts::Labels labels;
};
// The device was deleted by a person: what is left of it in the buckets has to go.
struct DeviceForgotten {
    contracts::DeviceId device;
};
// Nothing is left of it, nor in the store.
struct DeviceGone {
    contracts::DeviceId device;
};

// The Deployment as stored. `active` is the spec that the fleet should hold: the newest one that was not
// paused; none where it has been paused from its first day. A deletion timestamp means: let go everywhere.
struct DeploymentKnown {
    contracts::Deployment deployment;
    std::optional<contracts::DeploymentSpec> active;
    std::vector<contracts::Condition> conditions;  // as last stored; looked at only for an unknown deployment
    RolloutRecord rollout{};
};
// The rollout as stored. `holdings` are at least those stored since the version that the reducer knows; where
// it has just heard of the Deployment, all.
struct RolloutKnown {
    contracts::DeploymentName deployment;
    RolloutRecord record;
    std::vector<Holding> holdings;
};
// The Deployment is not in the store any more.
struct DeploymentGone {
    contracts::DeploymentName deployment;
};

// A device's report, and its withdrawal.
struct StateReported {
    contracts::DeviceId device;
    contracts::DeploymentState state;
};
struct StateWithdrawn {
    contracts::DeviceId device;
    contracts::DeploymentName deployment;
};
// The reports are being told from the start; those not repeated before the end are withdrawn.
struct StateReplayBegan {};
struct StateReplayEnded {};

// `seen_at` is the operator's clock, because a device's own may be wrong.
struct HeartbeatSeen {
    contracts::DeviceId device;
    std::string desired_digest;
    contracts::Timestamp seen_at;
};

// The bucket desired-state as it is: begins, some chunks, ends. Nothing is written between begin and end.
struct SnapshotBegan {};
struct SnapshotEntry {
    std::string key;
    std::uint64_t hash = 0;  // FNV-1a of the value's bytes
};
struct SnapshotChunk {
    std::vector<SnapshotEntry> entries;
};
struct SnapshotEnded {};

// What is in the bucket is unknown from now on: writes failed, or the connection was lost.
struct BucketUncertain {};
// Every write of the batches up to this number is in the bucket.
struct WritesAcknowledged {
    std::uint64_t batch = 0;
};

// Time passed.
struct Tick {};

using Event =
    std::variant<DeviceKnown, DeviceForgotten, DeviceGone, DeploymentKnown, DeploymentGone, RolloutKnown,
                 StateReported, StateWithdrawn, StateReplayBegan, StateReplayEnded, HeartbeatSeen,
                 SnapshotBegan, SnapshotChunk, SnapshotEnded, BucketUncertain, WritesAcknowledged, Tick>;

// One write to a KV bucket; no value is a delete. Writes are made in the order given.
struct KvWrite {
    std::string_view bucket;  // one of contracts::kBuckets
    std::string key;
    std::shared_ptr<const std::string> value;
};
struct WriteBatchAction {
    std::uint64_t number = 0;  // for WritesAcknowledged; 0 where there is nothing to write
    std::vector<KvWrite> writes;
};

// A step of a rollout, to be stored and then told back as RolloutKnown. Void where the store's record has
// another version by then.
struct RolloutStep {
    contracts::DeploymentName deployment;
    std::int64_t version = 0;
    std::vector<contracts::DeviceId> devices;  // are to hold the newest score from now on
    ScoreHash score = 0;                       // the newest
    bool finished = false;                     // every device is to hold it; then there are no `devices`
};

struct StatusAction {
    contracts::DeploymentName deployment;
    contracts::DeploymentStatus status;
    bool conditions_changed = false;  // in type, status or transition time: what can't be derived again
};

}  // namespace harmony::op
