// The operator's mind: every fact goes in, what has to be done comes out.
//
// It performs nothing and has no clock: `now` comes with each event. The same events in the same order give
// the same actions. Actions are pulled, not pushed: a device whose keys must change is marked and its writes
// are worked out when take_writes() reaches it, so that many changes cost one write and memory stays bounded
// by the fleet, not by the changes. Counters are cardinalities of bitmaps that follow the state; nothing is
// counted by events.
//
// What a device should hold: each Deployment whose active spec selects it, its score as value, and an index
// that lists them. A device with nothing to hold has an empty index: no index at all means that the operator
// has not spoken, which is not a reason to remove anything. Of more Deployments than a device may hold it
// gets the oldest, by creation and then by name: one that runs is not displaced by one that was added later.
// The others count the device as pending and say so in a condition.
//
// With strategy Rolling a changed score is not each device's at once: take_rollout_steps() says who is next,
// and only what comes back as RolloutKnown is so. A device whose place in a rollout is not decided yet is not
// written at all.
//
// Not thread-safe: one thread owns it.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "harmony/contracts/desired_state.hpp"
#include "harmony/operator/events.hpp"
#include "harmony/operator/label_index.hpp"
#include "harmony/operator/rollout.hpp"
#include "harmony/operator/status.hpp"

namespace harmony::op {

struct ReducerOptions {
    std::chrono::seconds heartbeat_stale_after{90};
    // How long after its last write a device may still report another digest before the write is repeated.
    std::chrono::seconds hint_grace{5};
    // How long after its last write a device that holds what it should may leave a deployment unreported
    // before it is asked for all its reports again. Longer than a report takes.
    std::chrono::seconds missing_report{20};
    // How long a device that holds what it should may go on reporting a deployment that it is not to hold,
    // before the report is taken for one that it has forgotten to delete. Longer than any removal takes.
    std::chrono::seconds leftover_report{1'800};
    std::chrono::milliseconds status_interval{1'000};  // at most one status per Deployment in this time
    std::size_t max_deployments_per_device = contracts::kMaxDeploymentsPerDevice;  // that a device holds
    // False: nothing but device-info, which may be lost, tells who a device is. Of a device that nobody knows
    // only the index is deleted, which asks it; and one that is told of may have been there all along.
    bool devices_stored = true;
    // Then, how long after a start a rollout is not over while devices that hold its score are still unknown.
    // Longer than devices take to connect again and to say who they are.
    std::chrono::seconds missing_devices{300};
};

struct DeviceView {
    bool online = false;
    std::optional<contracts::Timestamp> last_heartbeat;
    std::vector<contracts::DeploymentName> reported;  // sorted
};

struct FleetCounts {
    std::int64_t devices = 0;
    std::int64_t online = 0;
    std::int64_t deployments = 0;
    std::int64_t labels = 0;            // distinct
    std::int64_t waiting_devices = 0;   // marked, their writes not yet taken
    std::uint64_t repeated_hints = 0;   // since the start
    std::uint64_t ignored_reports = 0;  // older than what is known, or of no use; since the start
};

class Reducer {
 public:
    explicit Reducer(ReducerOptions options = {}) : options_(options) {}

    void apply(const Event& event, contracts::Timestamp now);

    // At most about `limit` writes (a device's writes stay together). Empty while the bucket's content is
    // unknown.
    [[nodiscard]] WriteBatchAction take_writes(std::size_t limit, contracts::Timestamp now);
    // What the rollouts may do next: at most about `limit` devices, lowest ids first. The same again until it
    // is told back. Empty while the bucket's content is unknown.
    [[nodiscard]] std::vector<RolloutStep> take_rollout_steps(std::size_t limit, contracts::Timestamp now);
    // The version of the record last told; none for an unknown deployment.
    [[nodiscard]] std::optional<std::int64_t> rollout_version(
        const contracts::DeploymentName& deployment) const;
    // Deployments marked for deletion of which no key is left in the bucket: their finalizer may go. Named
    // until DeploymentGone is applied.
    [[nodiscard]] std::vector<contracts::DeploymentName> releasable_deployments() const;
    // Forgotten devices of which no key is left in any bucket. Named until DeviceGone is applied.
    [[nodiscard]] std::vector<contracts::DeviceId> releasable_devices() const;
    // Statuses that changed and are due.
    [[nodiscard]] std::vector<StatusAction> take_statuses(contracts::Timestamp now);

    // True once a snapshot has ended and nothing has made the bucket uncertain since.
    [[nodiscard]] bool in_sync() const { return sync_ == Sync::Known; }
    [[nodiscard]] bool settled() const { return in_sync() && dirty_.empty() && orphans_.empty(); }

    [[nodiscard]] std::vector<contracts::DeviceId> devices() const;  // registered ones
    [[nodiscard]] std::vector<contracts::DeploymentName> deployments()
        const;  // those in the store, as last told
    [[nodiscard]] bool knows_device(const contracts::DeviceId& device) const;
    [[nodiscard]] DeviceView device(const contracts::DeviceId& device, contracts::Timestamp now) const;
    // The latest status taken; none for an unknown deployment or before the first.
    [[nodiscard]] std::optional<contracts::DeploymentStatus> status(
        const contracts::DeploymentName& deployment) const;
    // The counters at this moment.
    [[nodiscard]] contracts::DeploymentAggregate aggregate(const contracts::DeploymentName& deployment) const;
    [[nodiscard]] contracts::DesiredIndex desired(const contracts::DeviceId& device) const;
    [[nodiscard]] FleetCounts counts() const;
    // Keys of deployments that are in the bucket once everything taken is written.
    [[nodiscard]] std::uint64_t keys_written() const;
    // Keys of the bucket, as last read, that are not of this contract; at most kMaxForeignKeys.
    [[nodiscard]] const std::vector<std::string>& foreign_keys() const { return foreign_keys_; }
    static constexpr std::size_t kMaxForeignKeys = 100;

 private:
    enum class Written : std::uint8_t { Absent, Stale, Current };
    enum class Reported : std::uint8_t { Nothing, Pending, Running, Failed };
    enum class Sync : std::uint8_t { Unknown, Loading, Known };

    // What one deployment and one device have to do with each other.
    struct Pair {
        DeploymentSlot deployment = 0;
        std::uint16_t replay = 0;  // of the report
        Written written = Written::Absent;
        Reported reported = Reported::Nothing;
        bool selected = false;         // by the deployment's selector
        bool targeted = false;         // selected, and among those that the device holds
        std::uint16_t held = 0;        // id of the revision that a target is to hold; 0: not decided yet
        std::uint32_t reported_s = 0;  // when the report came
        std::uint64_t reported_hash = 0;
        std::int64_t last_event_us = 0;
    };
    static_assert(sizeof(Pair) == 32, "one for each target of each deployment: it is most of a large fleet");
    struct DeviceRecord {
        contracts::DeviceId id;
        std::vector<LabelId> labels;
        std::vector<Pair> pairs;  // sorted by deployment slot
        std::uint64_t digest = 0;
        std::uint32_t last_heartbeat_s = 0;  // 0: never; seconds since 1970 fit until 2106
        std::uint32_t last_write_s = 0;
        Written index = Written::Absent;
        bool registered = false;
        bool overtaken = false;  // a report was too old to be taken since it last said who it is
        bool unheard = false;    // and it has said so since: it is to be asked
        bool forgotten = false;  // has an entry in forgotten_
        bool dirty = false;
        bool watched = false;  // has an entry in expiries_
        bool digest_known = false;
        bool rationed = false;   // selected by more deployments than it may hold
        bool leftovers = false;  // reports that are left over are to be deleted
    };
    struct Failure {
        contracts::Timestamp at;
        std::string message;
    };
    // One score of a deployment.
    struct Revision {
        std::uint16_t id = 0;  // 0: none
        ScoreHash hash = 0;
        std::shared_ptr<const std::string> value;  // canonical bytes
    };
    // What strategy Rolling has to know of the targets.
    struct RollingState {
        contracts::Rolling limits;
        Bitmap old;        // are to hold an older score
        Bitmap undecided;  // joined during the rollout; not yet stored with the newest
        Bitmap available;
        Bitmap ready;          // have run the newest score for long enough, and still do
        Bitmap moving;         // updated, online, not failed, not ready
        Bitmap broken;         // of the old: reported, and not as running what they hold
        Bitmap broken_failed;  // of these: as failed with it
        Bitmap overtaken;      // of the old: given by this rollout, and not running it
        std::unordered_map<DeviceSlot, std::int64_t>
            running_since;              // the newest, not yet ready; microseconds
        std::vector<DeviceSlot> order;  // the old by id; some have left since
        std::size_t next = 0;           // all before have left
        bool ordered = false;
        bool due = false;  // is in rollouts_due_
    };
    struct DeploymentRecord {
        contracts::DeploymentName name;
        bool exists = false;
        bool deleting = false;
        bool paused = false;
        bool waiting = false;  // paused with a spec that is not the active one
        std::int64_t generation = 0;
        contracts::Timestamp created;
        std::optional<contracts::LabelSelector> selector;  // of the active spec
        CompiledSelector compiled;
        Revision newest;  // the active score
        std::vector<Revision> older;
        std::uint16_t last_revision = 0;
        RolloutRecord rollout;                  // without the older scores
        bool restoring = false;                 // who matches now has done so before
        std::unique_ptr<RollingState> rolling;  // with strategy Rolling
        // Where devices are not stored: what the rollout has given to those that are no targets.
        std::unordered_map<std::string, ScoreHash> absent_holdings;
        Bitmap targets;
        Bitmap excluded;  // selected, but not among those that the device holds
        Bitmap succeeded;
        Bitmap failed;
        std::map<DeviceSlot, Failure> failures;                               // with whatever score
        std::set<std::pair<contracts::Timestamp, DeviceSlot>> failure_order;  // of those in `failed`
        std::uint32_t pairs = 0;                                              // that name it
        std::uint32_t keys_written = 0;  // pairs whose key is in the bucket
        std::uint64_t last_delete_batch = 0;
        contracts::DeploymentStatus status;
        bool status_taken = false;
        bool status_dirty = false;
        contracts::Timestamp status_at;
    };

    void on(const DeviceKnown& event, contracts::Timestamp now);
    void on(const DeviceForgotten& event, contracts::Timestamp now);
    void on(const DeviceGone& event, contracts::Timestamp now);
    void on(const DeploymentKnown& event, contracts::Timestamp now);
    void on(const DeploymentGone& event, contracts::Timestamp now);
    void on(const RolloutKnown& event, contracts::Timestamp now);
    void on(const StateReported& event, contracts::Timestamp now);
    void on(const StateWithdrawn& event, contracts::Timestamp now);
    void on(const StateReplayBegan& event, contracts::Timestamp now);
    void on(const StateReplayEnded& event, contracts::Timestamp now);
    void on(const HeartbeatSeen& event, contracts::Timestamp now);
    void on(const SnapshotBegan& event, contracts::Timestamp now);
    void on(const SnapshotChunk& event, contracts::Timestamp now);
    void on(const SnapshotEnded& event, contracts::Timestamp now);
    void on(const BucketUncertain& event, contracts::Timestamp now);
    void on(const WritesAcknowledged& event, contracts::Timestamp now);
    void on(const Tick& event, contracts::Timestamp now);

    // reducer_devices.cpp
    [[nodiscard]] DeviceSlot device_slot(const contracts::DeviceId& id);
    [[nodiscard]] std::optional<DeviceSlot> find_device(const contracts::DeviceId& id) const;
    void free_device_if_unused(DeviceSlot slot);
    void retarget_device(DeviceSlot slot);
    void welcome(DeviceSlot slot);
    void expire_heartbeats(contracts::Timestamp now);
    void move_moments_back(std::int64_t microseconds);
    void set_online(DeviceSlot slot, bool online);
    [[nodiscard]] std::uint64_t expected_digest(DeviceRecord& device);
    [[nodiscard]] bool settled(const DeviceRecord& device) const;
    void repeat_hint(DeviceSlot slot);
    void ask_for_reports(DeviceSlot slot);
    void ask_who_it_is(DeviceSlot slot, contracts::Timestamp seen_at);
    [[nodiscard]] bool is_leftover(const Pair& pair, contracts::Timestamp now) const;

    // reducer_deployments.cpp
    [[nodiscard]] DeploymentSlot deployment_slot(const contracts::DeploymentName& name);
    [[nodiscard]] std::optional<DeploymentSlot> find_deployment(const contracts::DeploymentName& name) const;
    void free_deployment_if_unused(DeploymentSlot slot);
    void set_active(DeploymentSlot slot, const std::optional<contracts::DeploymentSpec>& active);
    void retarget_deployment(DeploymentSlot slot, const Bitmap& wanted);

    // reducer_rollouts.cpp
    [[nodiscard]] static const Revision* revision(const DeploymentRecord& deployment, std::uint16_t id);
    [[nodiscard]] static const Revision* revision_of(const DeploymentRecord& deployment, ScoreHash hash);
    [[nodiscard]] static Revision take_revision(DeploymentRecord& deployment, std::string bytes);
    [[nodiscard]] std::uint16_t base_revision(const DeploymentRecord& deployment) const;
    void set_revisions(DeploymentSlot slot, std::string newest, const RolloutRecord& record);
    void set_strategy(DeploymentSlot slot, const std::optional<contracts::DeploymentSpec>& active);
    void set_held(DeviceSlot device, Pair& pair, std::uint16_t held);
    void classify_rolling(DeviceSlot device, const Pair& pair);
    void await_ready(DeviceSlot device, DeploymentSlot slot);
    void expire_waits(contracts::Timestamp now);
    void touch_rollout(DeploymentSlot slot);
    [[nodiscard]] RolloutCounts rollout_counts(const DeploymentRecord& deployment) const;
    [[nodiscard]] RolloutStep next_step(DeploymentRecord& deployment, std::size_t limit);
    [[nodiscard]] bool awaits_devices(const DeploymentRecord& deployment) const;
    void stop_awaiting(contracts::Timestamp now);
    void pick(RollingState& rolling, const Bitmap& candidates, std::size_t count,
              std::vector<contracts::DeviceId>& out) const;
    [[nodiscard]] bool undecided(const DeviceRecord& device) const;

    // reducer_reports.cpp
    [[nodiscard]] Pair& pair(DeviceSlot device, DeploymentSlot deployment);
    [[nodiscard]] Pair* find_pair(DeviceSlot device, DeploymentSlot deployment);
    void erase_unused_pairs(DeviceSlot device);
    void select(DeviceSlot device, std::span<const DeploymentSlot> leaving,
                std::span<const DeploymentSlot> joining);
    void ration(DeviceSlot device);
    void set_excluded(DeviceSlot device, DeploymentSlot deployment, bool excluded);
    void set_targeted(DeviceSlot device, DeploymentSlot deployment, bool targeted);
    void set_written(Pair& pair, Written written);
    void classify(DeviceSlot device, const Pair& pair);
    [[nodiscard]] static bool set_failed(DeploymentRecord& deployment, DeviceSlot device, bool failed);
    static void keep_failure(DeploymentRecord& deployment, DeviceSlot device, std::optional<Failure> failure);
    void withdraw(DeviceSlot device, Pair& pair);

    // reducer_writes.cpp
    void mark(DeviceSlot device);
    void write_device(DeviceSlot slot, std::vector<KvWrite>& out, contracts::Timestamp now);
    [[nodiscard]] std::string index_bytes(const DeviceRecord& device) const;
    void take_snapshot_entry(const SnapshotEntry& entry);
    [[nodiscard]] bool is_desired(const std::string& key) const;
    [[nodiscard]] bool may_be_alive(const contracts::DeviceId& device) const;
    void abandon_unclaimed(const contracts::DeploymentName& deployment);

    void touch_status(DeploymentSlot slot);
    [[nodiscard]] contracts::DeploymentAggregate aggregate(const DeploymentRecord& deployment) const;
    [[nodiscard]] std::vector<contracts::AggregateError> newest_failures(const DeploymentRecord& deployment,
                                                                         std::size_t limit) const;
    [[nodiscard]] StatusInput status_input(const DeploymentRecord& deployment) const;

    ReducerOptions options_;
    LabelIndex labels_;

    std::deque<DeviceRecord> devices_;
    std::vector<DeviceSlot> free_devices_;
    std::unordered_map<std::string_view, DeviceSlot> device_slots_;  // the keys live in devices_
    Bitmap registered_;
    Bitmap online_;
    std::map<std::uint32_t, std::vector<DeviceSlot>> expiries_;  // second: whose heartbeat may be stale then
    std::uint16_t replay_ = 0;

    std::deque<DeploymentRecord> deployments_;
    std::vector<DeploymentSlot> free_deployments_;
    std::map<std::string, DeploymentSlot, std::less<>> deployment_slots_;
    std::vector<DeploymentSlot> status_dirty_;
    std::set<DeploymentSlot> deleting_;

    contracts::Timestamp now_;  // of the event at work
    bool returning_ = false;    // the device at work may have been a target before
    bool awaiting_ = true;      // unknown devices may still come; for ReducerOptions::missing_devices
    std::int64_t awaiting_until_us_ = 0;  // 0: not begun
    std::vector<DeploymentSlot> rollouts_due_;
    // When a device has run its newest score for long enough; an entry may be out of date.
    std::set<std::tuple<std::int64_t, DeploymentSlot, DeviceSlot>> ready_due_;

    Sync sync_ = Sync::Unknown;
    std::deque<DeviceSlot> dirty_;
    std::vector<std::string> orphans_;  // keys of the bucket that belong to nothing
    // Device: deployments whose keys are in the bucket although nobody knows the device.
    std::map<contracts::DeviceId, std::vector<contracts::DeploymentName>> unclaimed_;
    // Forgotten device: the batch that deletes its keys of every bucket; 0: not made yet.
    std::map<DeviceSlot, std::uint64_t> forgotten_;
    std::vector<std::string> foreign_keys_;
    std::uint64_t batch_ = 0;
    std::uint64_t acknowledged_ = 0;
    std::uint64_t repeated_hints_ = 0;
    std::uint64_t ignored_reports_ = 0;
    std::vector<DeploymentSlot> scratch_;
};

}  // namespace harmony::op
