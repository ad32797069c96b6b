#include <algorithm>

#include "harmony/contracts/canonical_json.hpp"
#include "harmony/contracts/desired_state.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/operator/reducer.hpp"

namespace harmony::op {

using contracts::Timestamp;

namespace {

KvWrite put(std::string key, std::shared_ptr<const std::string> value) {
    return {contracts::kDesiredStateBucket, std::move(key), std::move(value)};
}

KvWrite del(std::string_view bucket, std::string key) {
    return {bucket, std::move(key), nullptr};
}

}  // namespace

void Reducer::mark(DeviceSlot device) {
    if (devices_[device].dirty) return;
    devices_[device].dirty = true;
    dirty_.push_back(device);
}

std::uint64_t Reducer::keys_written() const {
    std::uint64_t keys = 0;
    for (const DeploymentRecord& deployment : deployments_)
        keys += deployment.keys_written;
    return keys;
}

std::string Reducer::index_bytes(const DeviceRecord& device) const {
    contracts::DesiredIndex index;
    for (const Pair& pair : device.pairs) {
        if (pair.targeted && pair.held != 0) index.deployments.push_back(deployments_[pair.deployment].name);
    }
    std::sort(index.deployments.begin(), index.deployments.end());
    return index.encode();
}

bool Reducer::settled(const DeviceRecord& device) const {
    const bool index = device.registered ? device.index == Written::Current : device.index == Written::Absent;
    return index && !device.forgotten &&
           std::all_of(device.pairs.begin(), device.pairs.end(), [](const Pair& pair) {
               return pair.written == (pair.targeted ? Written::Current : Written::Absent);
           });
}

// New values first, then the index that lists them, then what the index no longer lists.
void Reducer::write_device(DeviceSlot slot, std::vector<KvWrite>& out, Timestamp now) {
    DeviceRecord& device = devices_[slot];
    if (undecided(device)) return;  // the decision marks it again
    const std::size_t before = out.size();
    for (Pair& pair : device.pairs) {
        if (!pair.targeted || pair.written == Written::Current) continue;
        const DeploymentRecord& deployment = deployments_[pair.deployment];
        out.push_back(put(contracts::desired_state_key(device.id, deployment.name),
                          revision(deployment, pair.held)->value));
        set_written(pair, Written::Current);
    }
    if (device.registered && device.index != Written::Current) {
        out.push_back(put(contracts::desired_index_key(device.id),
                          std::make_shared<const std::string>(index_bytes(device))));
        device.index = Written::Current;
    } else if (!device.registered && device.index != Written::Absent) {
        out.push_back(del(contracts::kDesiredStateBucket, contracts::desired_index_key(device.id)));
        device.index = Written::Absent;
    }
    for (Pair& pair : device.pairs) {
        DeploymentRecord& deployment = deployments_[pair.deployment];
        if (!pair.targeted && pair.written != Written::Absent) {
            out.push_back(del(contracts::kDesiredStateBucket,
                              contracts::desired_state_key(device.id, deployment.name)));
            set_written(pair, Written::Absent);
            deployment.last_delete_batch = batch_ + 1;
        }
        const bool leftover = device.leftovers && is_leftover(pair, now);
        if (leftover || (device.forgotten && pair.reported != Reported::Nothing)) {
            out.push_back(
                del(contracts::kDeviceStateBucket, contracts::device_state_key(device.id, deployment.name)));
            withdraw(slot, pair);
        }
    }
    device.leftovers = false;
    if (const auto found = forgotten_.find(slot); found != forgotten_.end() && found->second == 0) {
        out.push_back(del(contracts::kDeviceHeartbeatBucket, contracts::heartbeat_key(device.id)));
        out.push_back(del(contracts::kDeviceInfoBucket, contracts::device_info_key(device.id)));
        found->second = batch_ + 1;
    }
    if (out.size() > before) {
        device.last_write_s =
            static_cast<std::uint32_t>(std::clamp<std::int64_t>(now.seconds(), 0, UINT32_MAX));
    }
    erase_unused_pairs(slot);
    free_device_if_unused(slot);
}

WriteBatchAction Reducer::take_writes(std::size_t limit, Timestamp now) {
    WriteBatchAction batch;
    if (sync_ != Sync::Known) return batch;
    while (!dirty_.empty() && batch.writes.size() < limit) {
        const DeviceSlot slot = dirty_.front();
        dirty_.pop_front();
        devices_[slot].dirty = false;
        write_device(slot, batch.writes, now);
    }
    // After every device's index, so that no index still lists a key that goes.
    while (dirty_.empty() && !orphans_.empty() && batch.writes.size() < limit) {
        // Its device or Deployment may have become known since, and the key been written for good.
        if (!is_desired(orphans_.back())) {
            const auto key = contracts::parse_desired_state_key(orphans_.back());
            const auto deployment = key && key->deployment ? find_deployment(*key->deployment) : std::nullopt;
            if (deployment) deployments_[*deployment].last_delete_batch = batch_ + 1;
            batch.writes.push_back(del(contracts::kDesiredStateBucket, std::move(orphans_.back())));
        }
        orphans_.pop_back();
    }
    if (!batch.writes.empty()) batch.number = ++batch_;
    return batch;
}

void Reducer::on(const SnapshotBegan&, Timestamp) {
    sync_ = Sync::Loading;
    orphans_.clear();
    unclaimed_.clear();
    foreign_keys_.clear();
    // What is not acknowledged by now may be lost.
    for (auto& [device, batch] : forgotten_) {
        if (batch > acknowledged_) batch = 0;
    }
    for (DeviceRecord& device : devices_) {
        device.index = Written::Absent;
        for (Pair& pair : device.pairs)
            set_written(pair, Written::Absent);
    }
}

void Reducer::on(const SnapshotChunk& event, Timestamp) {
    if (sync_ != Sync::Loading) return;
    for (const SnapshotEntry& entry : event.entries)
        take_snapshot_entry(entry);
}

bool Reducer::is_desired(const std::string& key) const {
    const auto parsed = contracts::parse_desired_state_key(key);
    const auto device = parsed ? find_device(parsed->device) : std::nullopt;
    if (!device) return false;
    if (!parsed->deployment) return devices_[*device].registered;
    const auto deployment = find_deployment(*parsed->deployment);
    return deployment && deployments_[*deployment].targets.contains(*device);
}

// Nobody knows it, and nobody has said that it is to be forgotten.
bool Reducer::may_be_alive(const contracts::DeviceId& device) const {
    if (options_.devices_stored) return false;
    const auto slot = find_device(device);
    return !slot || (!devices_[*slot].registered && !devices_[*slot].forgotten);
}

void Reducer::abandon_unclaimed(const contracts::DeploymentName& deployment) {
    for (auto& [device, names] : unclaimed_) {
        if (std::erase(names, deployment) > 0)
            orphans_.push_back(contracts::desired_state_key(device, deployment));
    }
    std::erase_if(unclaimed_, [](const auto& device) { return device.second.empty(); });
}

void Reducer::take_snapshot_entry(const SnapshotEntry& entry) {
    const auto key = contracts::parse_desired_state_key(entry.key);
    if (!key) {  // not ours to touch
        if (foreign_keys_.size() < kMaxForeignKeys) foreign_keys_.push_back(entry.key);
        return;
    }
    const auto slot = find_device(key->device);
    const auto deployment = key->deployment ? find_deployment(*key->deployment) : std::nullopt;
    const bool exists = deployment && deployments_[*deployment].exists && !deployments_[*deployment].deleting;
    if (exists && may_be_alive(key->device)) {
        unclaimed_[key->device].push_back(*key->deployment);
        return;
    }
    if (!slot) {
        orphans_.push_back(entry.key);
        return;
    }
    DeviceRecord& device = devices_[*slot];
    if (!key->deployment) {
        const bool same = device.registered && contracts::fnv1a64(index_bytes(device)) == entry.hash;
        device.index = same ? Written::Current : Written::Stale;
        return;
    }
    if (!deployment) {
        orphans_.push_back(entry.key);
        return;
    }
    Pair& held = pair(*slot, *deployment);
    const Revision* score = held.targeted ? revision(deployments_[*deployment], held.held) : nullptr;
    const bool same = score != nullptr && score->hash == entry.hash;
    set_written(held, same ? Written::Current : Written::Stale);
}

void Reducer::on(const SnapshotEnded&, Timestamp now) {
    if (sync_ != Sync::Loading) return;
    sync_ = Sync::Known;
    acknowledged_ = batch_;
    // The last go first: an index before the keys that it lists.
    std::partition(orphans_.begin(), orphans_.end(), [](const std::string& key) {
        const auto parsed = contracts::parse_desired_state_key(key);
        return parsed && parsed->deployment;
    });
    if (awaiting_until_us_ == 0)
        awaiting_until_us_ = now.microseconds() + std::chrono::microseconds(options_.missing_devices).count();
    for (DeviceSlot slot = 0; slot < devices_.size(); ++slot) {
        if (devices_[slot].id.empty()) continue;
        if (!settled(devices_[slot])) mark(slot);
        free_device_if_unused(slot);
    }
}

void Reducer::on(const BucketUncertain&, Timestamp) {
    sync_ = Sync::Unknown;
}

void Reducer::on(const WritesAcknowledged& event, Timestamp) {
    acknowledged_ = std::max(acknowledged_, event.batch);
}

}  // namespace harmony::op
