#include <algorithm>

#include "harmony/contracts/canonical_json.hpp"
#include "harmony/operator/reducer.hpp"

namespace harmony::op {

using contracts::Timestamp;

namespace {

// So few are sorted anew each time; of more the order is kept.
constexpr std::uint64_t kFewDevices = 4096;

bool put(Bitmap& devices, DeviceSlot device, bool in) {
    return in ? devices.addChecked(device) : devices.removeChecked(device);
}

std::int64_t size(const Bitmap& devices) {
    return static_cast<std::int64_t>(devices.cardinality());
}

}  // namespace

const Reducer::Revision* Reducer::revision(const DeploymentRecord& deployment, std::uint16_t id) {
    if (id == 0) return nullptr;
    if (deployment.newest.id == id) return &deployment.newest;
    for (const Revision& older : deployment.older) {
        if (older.id == id) return &older;
    }
    return nullptr;
}

const Reducer::Revision* Reducer::revision_of(const DeploymentRecord& deployment, ScoreHash hash) {
    if (deployment.newest.id != 0 && deployment.newest.hash == hash) return &deployment.newest;
    for (const Revision& older : deployment.older) {
        if (older.hash == hash) return &older;
    }
    return nullptr;
}

// The known one with these bytes, or a new one.
Reducer::Revision Reducer::take_revision(DeploymentRecord& deployment, std::string bytes) {
    const ScoreHash hash = contracts::fnv1a64(bytes);
    if (const Revision* known = revision_of(deployment, hash)) return *known;
    do {
        ++deployment.last_revision;
    } while (deployment.last_revision == 0 || revision(deployment, deployment.last_revision) != nullptr);
    return {deployment.last_revision, hash, std::make_shared<const std::string>(std::move(bytes))};
}

std::uint16_t Reducer::base_revision(const DeploymentRecord& deployment) const {
    if (!deployment.rollout.in_progress()) return deployment.newest.id;
    const Revision* base = revision_of(deployment, deployment.rollout.base);
    return base != nullptr ? base->id : deployment.newest.id;
}

void Reducer::set_revisions(DeploymentSlot slot, std::string newest, const RolloutRecord& record) {
    DeploymentRecord& deployment = deployments_[slot];
    const bool dropped = record.epoch != deployment.rollout.epoch;
    const bool same_base = record.base == deployment.rollout.base;
    const std::uint16_t newest_before = deployment.newest.id;
    std::vector<Revision> older;
    Revision latest = take_revision(deployment, std::move(newest));
    for (const contracts::Score& score : record.older) {
        Revision taken = take_revision(deployment, score.encode());
        if (taken.id != latest.id) older.push_back(std::move(taken));
    }
    const auto kept = [&](const Revision& known) {
        return known.id == latest.id || std::any_of(older.begin(), older.end(), [&](const Revision& other) {
                   return other.id == known.id;
               });
    };
    const bool all_kept = std::all_of(deployment.older.begin(), deployment.older.end(), kept);
    deployment.newest = std::move(latest);
    deployment.older = std::move(older);
    deployment.rollout = {record.version, record.epoch, record.base, {}};
    if (dropped || !record.in_progress()) deployment.absent_holdings.clear();
    touch_rollout(slot);
    if (!dropped && same_base && all_kept && newest_before == deployment.newest.id) return;

    const std::uint16_t base = base_revision(deployment);
    for (const DeviceSlot device : deployment.targets) {
        Pair& held = *find_pair(device, slot);
        if (!record.in_progress()) {
            set_held(device, held, deployment.newest.id);
        } else if (held.held != 0 && (dropped || revision(deployment, held.held) == nullptr)) {
            set_held(device, held, base);
        }
        classify(device, held);
    }
    touch_status(slot);
}

void Reducer::set_held(DeviceSlot device, Pair& pair, std::uint16_t held) {
    if (pair.held == held) return;
    if (pair.held == 0 && devices_[device].index == Written::Current) devices_[device].index = Written::Stale;
    pair.held = held;
    if (pair.written == Written::Current) set_written(pair, Written::Stale);
    devices_[device].digest_known = false;
    mark(device);
}

void Reducer::set_strategy(DeploymentSlot slot, const std::optional<contracts::DeploymentSpec>& active) {
    DeploymentRecord& deployment = deployments_[slot];
    const auto* limits = active ? std::get_if<contracts::Rolling>(&active->rollout) : nullptr;
    if (limits == nullptr) {
        deployment.rolling.reset();
        return;
    }
    touch_status(slot);
    if (deployment.rolling) {
        RollingState& rolling = *deployment.rolling;
        const bool waits_changed = rolling.limits.min_ready != limits->min_ready;
        rolling.limits = *limits;
        if (waits_changed) {
            for (const auto& [device, since] : rolling.running_since)
                await_ready(device, slot);
        }
    } else {
        deployment.rolling = std::make_unique<RollingState>();
        deployment.rolling->limits = *limits;
        for (const DeviceSlot device : deployment.targets)
            classify_rolling(device, *find_pair(device, slot));
    }
    touch_rollout(slot);
}

// Puts the device where its last report, its heartbeat and the clock say it is.
void Reducer::classify_rolling(DeviceSlot device, const Pair& pair) {
    DeploymentRecord& deployment = deployments_[pair.deployment];
    RollingState& rolling = *deployment.rolling;
    const bool online = online_.contains(device);
    const bool undecided = pair.targeted && pair.held == 0;
    const bool updated = pair.targeted && !undecided && pair.held == deployment.newest.id;
    const bool old = pair.targeted && !undecided && !updated;
    const bool runs_newest = deployment.succeeded.contains(device);
    bool ready = runs_newest && rolling.ready.contains(device);
    if (!runs_newest) {
        rolling.running_since.erase(device);
    } else if (!ready) {
        const bool fresh = rolling.running_since.try_emplace(device, now_.microseconds()).second;
        // One that ran it as an older score, before it became the newest again, has proved itself.
        ready = rolling.limits.min_ready.count() == 0 || rolling.old.contains(device);
        if (ready) rolling.running_since.erase(device);
        if (!ready && fresh) await_ready(device, pair.deployment);
    }
    const Revision* held = old ? revision(deployment, pair.held) : nullptr;
    const bool runs_old =
        held != nullptr && pair.reported == Reported::Running && pair.reported_hash == held->hash;
    const bool broken = old && !runs_old && pair.reported != Reported::Nothing;
    const bool broken_failed =
        broken && pair.reported == Reported::Failed && pair.reported_hash == held->hash;
    const bool overtaken = old && !runs_old && pair.held != base_revision(deployment);
    const bool moving = updated && online && !ready && !deployment.failed.contains(device);
    const bool joined_old = old && !rolling.old.contains(device);
    if (joined_old) rolling.ordered = false;
    bool changed = put(rolling.old, device, old);
    changed |= put(rolling.undecided, device, undecided);
    changed |= put(rolling.ready, device, ready);
    changed |= put(rolling.available, device, online && (ready || runs_old));
    changed |= put(rolling.broken, device, broken);
    changed |= put(rolling.broken_failed, device, broken_failed);
    changed |= put(rolling.overtaken, device, overtaken);
    changed |= put(rolling.moving, device, moving);
    if (!changed) return;
    touch_rollout(pair.deployment);
    touch_status(pair.deployment);
}

void Reducer::await_ready(DeviceSlot device, DeploymentSlot slot) {
    const RollingState& rolling = *deployments_[slot].rolling;
    const std::int64_t wait = std::chrono::microseconds(rolling.limits.min_ready).count();
    ready_due_.emplace(rolling.running_since.at(device) + wait, slot, device);
}

void Reducer::expire_waits(Timestamp now) {
    while (!ready_due_.empty() && std::get<0>(*ready_due_.begin()) <= now.microseconds()) {
        const auto [due, slot, device] = *ready_due_.begin();
        ready_due_.erase(ready_due_.begin());
        if (!deployments_[slot].rolling) continue;
        RollingState& rolling = *deployments_[slot].rolling;
        const auto waiting = rolling.running_since.find(device);
        if (waiting == rolling.running_since.end()) continue;
        const std::int64_t wait = std::chrono::microseconds(rolling.limits.min_ready).count();
        if (waiting->second + wait > now.microseconds()) continue;
        rolling.running_since.erase(waiting);
        rolling.ready.add(device);
        if (const Pair* pair = find_pair(device, slot)) classify_rolling(device, *pair);
        touch_rollout(slot);
    }
}

void Reducer::touch_rollout(DeploymentSlot slot) {
    DeploymentRecord& deployment = deployments_[slot];
    if (!deployment.rolling || deployment.rolling->due || !deployment.rollout.in_progress()) return;
    deployment.rolling->due = true;
    rollouts_due_.push_back(slot);
}

bool Reducer::undecided(const DeviceRecord& device) const {
    return std::any_of(device.pairs.begin(), device.pairs.end(),
                       [](const Pair& pair) { return pair.targeted && pair.held == 0; });
}

RolloutCounts Reducer::rollout_counts(const DeploymentRecord& deployment) const {
    const RollingState& rolling = *deployment.rolling;
    RolloutCounts counts;
    counts.matched = size(deployment.targets);
    counts.updated = counts.matched - size(rolling.old) - size(rolling.undecided);
    counts.unavailable = counts.matched - size(rolling.available);
    counts.in_flight = counts.updated - size(rolling.ready) + size(rolling.overtaken);
    counts.failed = size(deployment.failed);
    counts.moving = size(rolling.moving);
    const Bitmap broken = rolling.broken & online_;
    counts.repairable = size(broken - rolling.overtaken);
    counts.overtaken = size(broken & rolling.overtaken);
    counts.overtaken_failed = size(broken & rolling.overtaken & rolling.broken_failed);
    counts.paused = deployment.paused;
    return counts;
}

// The lowest ids of the candidates, which are among the old.
void Reducer::pick(RollingState& rolling, const Bitmap& candidates, std::size_t count,
                   std::vector<contracts::DeviceId>& out) const {
    if (count == 0) return;
    const auto by_id = [&](DeviceSlot a, DeviceSlot b) { return devices_[a].id < devices_[b].id; };
    if (candidates.cardinality() <= kFewDevices) {
        std::vector<DeviceSlot> few(candidates.cardinality());
        candidates.toUint32Array(few.data());
        const auto end = few.begin() + static_cast<std::ptrdiff_t>(std::min(count, few.size()));
        std::partial_sort(few.begin(), end, few.end(), by_id);
        for (auto device = few.begin(); device != end; ++device)
            out.push_back(devices_[*device].id);
        return;
    }
    if (!rolling.ordered) {
        rolling.order.resize(rolling.old.cardinality());
        rolling.old.toUint32Array(rolling.order.data());
        std::sort(rolling.order.begin(), rolling.order.end(), by_id);
        rolling.next = 0;
        rolling.ordered = true;
    }
    while (rolling.next < rolling.order.size() && !rolling.old.contains(rolling.order[rolling.next]))
        ++rolling.next;
    for (std::size_t place = rolling.next; place < rolling.order.size() && count > 0; ++place) {
        if (!candidates.contains(rolling.order[place])) continue;
        out.push_back(devices_[rolling.order[place]].id);
        --count;
    }
}

bool Reducer::awaits_devices(const DeploymentRecord& deployment) const {
    if (options_.devices_stored || !awaiting_) return false;
    const auto unknown = [&](const auto& holding) {
        const auto slot = device_slots_.find(holding.first);
        return slot == device_slots_.end() || !devices_[slot->second].registered;
    };
    const auto unclaimed = [&](const auto& device) {
        return std::find(device.second.begin(), device.second.end(), deployment.name) != device.second.end();
    };
    return std::any_of(deployment.absent_holdings.begin(), deployment.absent_holdings.end(), unknown) ||
           std::any_of(unclaimed_.begin(), unclaimed_.end(), unclaimed);
}

void Reducer::stop_awaiting(Timestamp now) {
    if (!awaiting_ || awaiting_until_us_ == 0 || now.microseconds() < awaiting_until_us_) return;
    awaiting_ = false;
    for (DeploymentSlot slot = 0; slot < deployments_.size(); ++slot)
        touch_rollout(slot);
}

RolloutStep Reducer::next_step(DeploymentRecord& deployment, std::size_t limit) {
    RollingState& rolling = *deployment.rolling;
    RolloutStep step{deployment.name, deployment.rollout.version, {}, deployment.newest.hash, false};
    if (rolling.old.isEmpty() && rolling.undecided.isEmpty()) {
        // Who is still on the way counts for the next rollout, should one begin.
        step.finished =
            rolling.ready.cardinality() == deployment.targets.cardinality() && !awaits_devices(deployment);
        return step;
    }
    for (const DeviceSlot device : rolling.undecided) {
        if (step.devices.size() == limit) return step;
        step.devices.push_back(devices_[device].id);
    }
    const RolloutPlan plan = plan_rollout(rolling.limits, rollout_counts(deployment));
    const auto room = [&](std::int64_t wanted) {
        return std::min(static_cast<std::size_t>(wanted), limit - step.devices.size());
    };
    const Bitmap broken = rolling.broken & online_;
    if (plan.overtaken > 0) {
        const Bitmap overtaken = broken & rolling.overtaken;
        pick(rolling, plan.overtaken_failed_only ? overtaken & rolling.broken_failed : overtaken,
             room(plan.overtaken), step.devices);
    }
    if (plan.repairable > 0) pick(rolling, broken - rolling.overtaken, room(plan.repairable), step.devices);
    if (plan.available > 0)
        pick(rolling, rolling.old & rolling.available, room(plan.available), step.devices);
    return step;
}

std::vector<RolloutStep> Reducer::take_rollout_steps(std::size_t limit, Timestamp) {
    std::vector<RolloutStep> steps;
    if (sync_ != Sync::Known) return steps;
    std::sort(rollouts_due_.begin(), rollouts_due_.end());
    rollouts_due_.erase(std::unique(rollouts_due_.begin(), rollouts_due_.end()), rollouts_due_.end());
    std::vector<DeploymentSlot> still_due;
    for (const DeploymentSlot slot : rollouts_due_) {
        DeploymentRecord& deployment = deployments_[slot];
        if (!deployment.rolling) continue;
        deployment.rolling->due = false;
        if (!deployment.rollout.in_progress()) continue;
        if (limit > 0) {
            RolloutStep step = next_step(deployment, limit);
            if (step.devices.empty() && !step.finished) continue;
            limit -= step.devices.size();
            steps.push_back(std::move(step));
        }
        deployment.rolling->due = true;
        still_due.push_back(slot);
    }
    rollouts_due_ = std::move(still_due);
    return steps;
}

std::optional<std::int64_t> Reducer::rollout_version(const contracts::DeploymentName& name) const {
    const auto slot = find_deployment(name);
    if (!slot || !deployments_[*slot].exists) return std::nullopt;
    return deployments_[*slot].rollout.version;
}

void Reducer::on(const RolloutKnown& event, Timestamp) {
    const auto found = find_deployment(event.deployment);
    if (!found) return;
    DeploymentRecord& deployment = deployments_[*found];
    if (!deployment.newest.value || deployment.deleting || event.record.version < deployment.rollout.version)
        return;
    set_revisions(*found, *deployment.newest.value, event.record);
    for (const Holding& holding : event.holdings) {
        const auto device = find_device(holding.device);
        const Revision* score = revision_of(deployment, holding.score);
        if (score == nullptr) continue;
        if (!device || !deployment.targets.contains(*device)) {
            if (!options_.devices_stored)
                deployment.absent_holdings.insert_or_assign(holding.device.str(), holding.score);
            continue;
        }
        Pair& held = *find_pair(*device, *found);
        set_held(*device, held, score->id);
        classify(*device, held);
    }
}

}  // namespace harmony::op
