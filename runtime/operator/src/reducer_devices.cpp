#include <algorithm>
#include <charconv>

#include "harmony/contracts/canonical_json.hpp"
#include "harmony/contracts/desired_state.hpp"
#include "harmony/operator/reducer.hpp"

namespace harmony::op {

using contracts::Timestamp;

namespace {

std::uint64_t from_hex(std::string_view digits) {
    std::uint64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    return value;
}

// Zero means never, and stays so.
void move_back(std::uint32_t& second, std::int64_t by) {
    if (second != 0) second = static_cast<std::uint32_t>(std::max<std::int64_t>(1, second - by));
}

std::uint32_t second_of(Timestamp when) {
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(when.seconds(), 0, UINT32_MAX));
}

}  // namespace

std::optional<DeviceSlot> Reducer::find_device(const contracts::DeviceId& id) const {
    const auto found = device_slots_.find(id.str());
    if (found == device_slots_.end()) return std::nullopt;
    return found->second;
}

DeviceSlot Reducer::device_slot(const contracts::DeviceId& id) {
    if (const auto known = find_device(id)) return *known;
    DeviceSlot slot = 0;
    if (free_devices_.empty()) {
        slot = static_cast<DeviceSlot>(devices_.size());
        devices_.emplace_back();
    } else {
        slot = free_devices_.back();
        free_devices_.pop_back();
    }
    devices_[slot].id = id;
    device_slots_.emplace(devices_[slot].id.str(), slot);
    return slot;
}

void Reducer::free_device_if_unused(DeviceSlot slot) {
    DeviceRecord& device = devices_[slot];
    const bool used = device.registered || device.forgotten || device.dirty || device.watched ||
                      device.index != Written::Absent || !device.pairs.empty();
    if (used || device.id.empty()) return;
    device_slots_.erase(device.id.str());
    online_.remove(slot);
    device = DeviceRecord{};
    free_devices_.push_back(slot);
}

void Reducer::on(const DeviceKnown& event, Timestamp) {
    const DeviceSlot slot = device_slot(event.device);
    DeviceRecord& device = devices_[slot];
    if (std::exchange(device.forgotten, false)) forgotten_.erase(slot);
    // It says so whenever it has connected, and may have lost its last times with a full disk before that.
    for (Pair& pair : device.pairs)
        pair.last_event_us = 0;
    // What it said then may have come on the other watch before this word, and was not taken.
    device.unheard = device.unheard || std::exchange(device.overtaken, false);
    if (device.registered && labels_.labels(device.labels) == event.labels) return;
    if (device.registered) labels_.remove_device(slot, device.labels);
    device.labels = labels_.add_device(slot, event.labels);
    if (device.registered) return retarget_device(slot);
    device.registered = true;
    registered_.add(slot);
    mark(slot);
    welcome(slot);
}

// Gives a device that is told of for the first time what it had, where nobody has stored that it was there.
void Reducer::welcome(DeviceSlot slot) {
    returning_ = !options_.devices_stored;
    retarget_device(slot);
    returning_ = false;
    if (options_.devices_stored) return;
    const contracts::DeviceId& id = devices_[slot].id;
    if (const auto found = unclaimed_.extract(id)) {
        for (const contracts::DeploymentName& name : found.mapped()) {
            if (const auto deployment = find_deployment(name))
                set_written(pair(slot, *deployment), Written::Stale);
        }
    }
    for (Pair& held : devices_[slot].pairs) {
        DeploymentRecord& deployment = deployments_[held.deployment];
        const auto holding = deployment.absent_holdings.extract(id.str());
        const Revision* score = holding ? revision_of(deployment, holding.mapped()) : nullptr;
        if (score == nullptr || !held.targeted) continue;
        set_held(slot, held, score->id);
        classify(slot, held);
    }
}

void Reducer::on(const DeviceForgotten& event, Timestamp) {
    const auto slot = find_device(event.device);
    if (!slot || !devices_[*slot].registered) return;
    DeviceRecord& device = devices_[*slot];
    labels_.remove_device(*slot, device.labels);
    device.labels.clear();
    device.registered = false;
    device.forgotten = true;
    forgotten_.insert_or_assign(*slot, 0);
    device.last_heartbeat_s = 0;
    registered_.remove(*slot);
    online_.remove(*slot);
    retarget_device(*slot);
    mark(*slot);
}

std::vector<contracts::DeviceId> Reducer::releasable_devices() const {
    std::vector<contracts::DeviceId> result;
    for (const auto& [slot, batch] : forgotten_) {
        if (batch != 0 && batch <= acknowledged_) result.push_back(devices_[slot].id);
    }
    return result;
}

// Whether it lives is for it to say: what it said before its last key was gone may have been deleted with it.
void Reducer::on(const DeviceGone& event, Timestamp) {
    const auto slot = find_device(event.device);
    if (!slot || !devices_[*slot].forgotten) return;
    DeviceRecord& device = devices_[*slot];
    device.forgotten = false;
    forgotten_.erase(*slot);
    device.index = Written::Stale;
    mark(*slot);
}

// Looks at the selectors filed under the device's own labels, and at what it is a target of now.
void Reducer::retarget_device(DeviceSlot slot) {
    DeviceRecord& device = devices_[slot];
    std::vector<DeploymentSlot> wanted;
    if (device.registered) {
        labels_.candidates(device.labels, scratch_);
        for (const DeploymentSlot candidate : scratch_) {
            if (labels_.matches(deployments_[candidate].compiled, device.labels)) wanted.push_back(candidate);
        }
    }
    std::vector<DeploymentSlot> leaving;
    for (const Pair& pair : device.pairs) {
        if (pair.selected && !std::binary_search(wanted.begin(), wanted.end(), pair.deployment)) {
            leaving.push_back(pair.deployment);
        }
    }
    select(slot, leaving, wanted);
}

void Reducer::on(const HeartbeatSeen& event, Timestamp now) {
    const DeviceSlot slot = device_slot(event.device);
    DeviceRecord& device = devices_[slot];
    // It may have been seen before the clock went back.
    const Timestamp seen_at = std::min(event.seen_at, now);
    const std::uint32_t stale_after = static_cast<std::uint32_t>(options_.heartbeat_stale_after.count());
    device.last_heartbeat_s = std::max(device.last_heartbeat_s, second_of(seen_at));
    if (device.last_heartbeat_s + stale_after > second_of(now)) set_online(slot, true);
    if (!device.watched) {
        device.watched = true;
        expiries_[device.last_heartbeat_s + stale_after].push_back(slot);
    }
    if (sync_ != Sync::Known || device.dirty) return;
    if (!device.registered) return ask_who_it_is(slot, seen_at);
    const std::int64_t grace = options_.hint_grace.count();
    if (seen_at.seconds() < std::int64_t{device.last_write_s} + grace) return;
    if (undecided(device)) return;
    if (from_hex(event.desired_digest) != expected_digest(device)) return repeat_hint(slot);
    device.leftovers = std::any_of(device.pairs.begin(), device.pairs.end(),
                                   [&](const Pair& pair) { return is_leftover(pair, now); });
    if (device.leftovers) mark(slot);
    if (seen_at.seconds() < std::int64_t{device.last_write_s} + options_.missing_report.count()) return;
    const bool missing = std::any_of(device.pairs.begin(), device.pairs.end(), [](const Pair& pair) {
        return pair.targeted && pair.reported == Reported::Nothing;
    });
    if (std::exchange(device.unheard, false) || missing) ask_for_reports(slot);
}

void Reducer::set_online(DeviceSlot slot, bool online) {
    if (!(online ? online_.addChecked(slot) : online_.removeChecked(slot))) return;
    for (const Pair& pair : devices_[slot].pairs) {
        if (!pair.targeted || !deployments_[pair.deployment].rolling) continue;
        classify_rolling(slot, pair);
        touch_rollout(pair.deployment);
        touch_status(pair.deployment);
    }
}

void Reducer::expire_heartbeats(Timestamp now) {
    const std::uint32_t now_s = second_of(now);
    const std::uint32_t stale_after = static_cast<std::uint32_t>(options_.heartbeat_stale_after.count());
    while (!expiries_.empty() && expiries_.begin()->first <= now_s) {
        const auto due = expiries_.extract(expiries_.begin());
        for (const DeviceSlot slot : due.mapped()) {
            DeviceRecord& device = devices_[slot];
            const std::uint32_t expiry = device.last_heartbeat_s + stale_after;
            if (device.last_heartbeat_s != 0 && expiry > now_s) {
                expiries_[expiry].push_back(slot);
                continue;
            }
            device.watched = false;
            set_online(slot, false);
            free_device_if_unused(slot);
        }
    }
}

// The clock went back: what has passed has passed all the same.
void Reducer::move_moments_back(std::int64_t microseconds) {
    const std::int64_t seconds = microseconds / 1'000'000;
    for (DeviceRecord& device : devices_) {
        move_back(device.last_heartbeat_s, seconds);
        move_back(device.last_write_s, seconds);
        for (Pair& pair : device.pairs)
            move_back(pair.reported_s, seconds);
    }
    std::map<std::uint32_t, std::vector<DeviceSlot>> expiries;
    for (auto& [second, devices] : expiries_) {
        std::uint32_t moved = second;
        move_back(moved, seconds);
        std::vector<DeviceSlot>& there = expiries[moved];
        there.insert(there.end(), devices.begin(), devices.end());
    }
    expiries_ = std::move(expiries);
    if (awaiting_until_us_ != 0) awaiting_until_us_ -= microseconds;
    for (DeploymentRecord& deployment : deployments_) {
        if (!deployment.rolling) continue;
        for (auto& [device, since] : deployment.rolling->running_since)
            since -= microseconds;
    }
    std::set<std::tuple<std::int64_t, DeploymentSlot, DeviceSlot>> ready_due;
    for (const auto& [due, slot, device] : ready_due_)
        ready_due.emplace_hint(ready_due.end(), due - microseconds, slot, device);
    ready_due_ = std::move(ready_due);
}

std::uint64_t Reducer::expected_digest(DeviceRecord& device) {
    if (device.digest_known) return device.digest;
    contracts::DesiredHashes held;
    for (const Pair& pair : device.pairs) {
        const DeploymentRecord& deployment = deployments_[pair.deployment];
        const Revision* score = pair.targeted ? revision(deployment, pair.held) : nullptr;
        if (score != nullptr) held.emplace(deployment.name, contracts::hex16(score->hash));
    }
    device.digest = from_hex(contracts::desired_digest(held));
    device.digest_known = true;
    return device.digest;
}

// A device that lost its own notes does not know which of its keys are still to be deleted.
bool Reducer::is_leftover(const Pair& pair, Timestamp now) const {
    return !pair.targeted && pair.written == Written::Absent && pair.reported != Reported::Nothing &&
           now.seconds() - std::int64_t{pair.reported_s} >= options_.leftover_report.count();
}

// The device has had time to hear and holds something else: a hint was lost, or its store was.
void Reducer::repeat_hint(DeviceSlot slot) {
    DeviceRecord& device = devices_[slot];
    for (Pair& pair : device.pairs) {
        if (pair.written == Written::Current) set_written(pair, Written::Stale);
    }
    if (device.index == Written::Current) device.index = Written::Stale;
    ++repeated_hints_;
    mark(slot);
}

// The bucket of its info was lost while the device stayed connected, and no store remembers it. That its
// index is gone asks it for all that it has to tell, and takes nothing from it. A new one has said who it is
// before it is asked.
void Reducer::ask_who_it_is(DeviceSlot slot, Timestamp seen_at) {
    DeviceRecord& device = devices_[slot];
    if (device.last_write_s == 0) {
        device.last_write_s = second_of(seen_at);
        return;
    }
    if (seen_at.seconds() < std::int64_t{device.last_write_s} + options_.hint_grace.count()) return;
    device.index = Written::Stale;
    ++repeated_hints_;
    mark(slot);
}

// The bucket of the reports was lost while the device stayed connected, or they came too early. The same
// index again asks for all that the device has to tell.
void Reducer::ask_for_reports(DeviceSlot slot) {
    DeviceRecord& device = devices_[slot];
    if (device.index == Written::Current) device.index = Written::Stale;
    ++repeated_hints_;
    mark(slot);
}

}  // namespace harmony::op
