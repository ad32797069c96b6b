// What the fleet knows and what the cluster holds.
#include "harmony/operator/device_resources_plan.hpp"

#include <algorithm>

#include "harmony/daemon/logging.hpp"

namespace harmony::op {

using contracts::DeviceId;
using contracts::Timestamp;

namespace {

constexpr runtime::daemon::Logger kLog("device-resources");
constexpr std::int64_t kSecond = 1'000'000;

}  // namespace

DeviceResourcePlan::DeviceResourcePlan(DeviceResourceSettings settings)
    : settings_(std::move(settings)),
      changes_(settings_.changes_per_second),
      refresh_budget_(settings_.refreshes_per_second) {}

bool DeviceResourcePlan::ours(const Record& record) const {
    return record.seen && record.seen->stack == settings_.stack;
}

// Another stack's, or one that somebody made by hand and does not let us have.
bool DeviceResourcePlan::foreign(const Record& record) const {
    return record.seen && record.seen->stack != settings_.stack &&
           (!record.seen->stack.empty() || !record.conflict.empty());
}

void DeviceResourcePlan::note_foreign(const DeviceId& device, const Record& record) {
    if (!record.known || !foreign(record)) {
        foreign_.erase(device);
    } else if (foreign_.insert(device).second) {
        kLog.warning("a Device belongs to somebody else and is left alone",
                     {{"device", device.str()}, {"stack", record.seen->stack}, {"ours", settings_.stack}});
    }
}

void DeviceResourcePlan::lead(bool leading) {
    if (leading == leading_) return;
    leading_ = leading;
    if (!leading) return;
    for (auto& [device, record] : records_) {  // what was refused may be taken by now
        if (!record.refusal.empty()) enqueue(device, record);
        record.refusal.clear();
    }
}

bool DeviceResourcePlan::may_write() const {
    return leading_ && told_ && watched_;
}

void DeviceResourcePlan::enqueue(const DeviceId& device, Record& record) {
    if (record.queued) return;
    record.queued = true;
    queue_.push_back(device);
}

// An online device of ours waits its turn to have its heartbeat's time written anew.
void DeviceResourcePlan::set_refresh(const DeviceId& device, Record& record) {
    if (record.refresh_key != 0) refreshes_.erase({record.refresh_key, device});
    record.refresh_key = 0;
    if (!record.known || !record.online || !ours(record)) return;
    const auto& written = record.seen->status.last_heartbeat;
    record.refresh_key = std::max<std::int64_t>(written ? written->microseconds() : 1, 1);
    // It may have been written before the clock went back.
    if (clock_ != Timestamp{}) record.refresh_key = std::min(record.refresh_key, clock_.microseconds());
    refreshes_.emplace(record.refresh_key, device);
}

void DeviceResourcePlan::erase_if_unused(const DeviceId& device) {
    const auto found = records_.find(device);
    if (found == records_.end()) return;
    Record& record = found->second;
    // What was forgotten may have a resource still, until the cluster has told.
    const bool used = record.known || record.seen || record.queued || record.awaits_expiry ||
                      (record.forgotten && !watched_);
    if (used) return;
    left_out_.erase(device);
    records_.erase(found);
}

void DeviceResourcePlan::known(contracts::DeviceInfo info) {
    const DeviceId device = info.device_id;
    Record& record = records_[device];
    DeviceObject object = make_device_object(info, settings_.stack);
    const bool same = record.known && object.hash == record.object.hash &&
                      object.dropped == record.object.dropped && info.agent_version == record.agent_version;
    record.known = true;
    record.forgotten = false;
    if (same) return;
    if (!object.dropped.empty() && object.dropped != record.object.dropped)
        kLog.warning("labels are left out of a Device",
                     {{"device", device.str()}, {"labels", object.dropped}});
    record.object = std::move(object);
    record.agent_version = std::move(info.agent_version);
    record.refusal.clear();
    note_foreign(device, record);
    set_refresh(device, record);
    enqueue(device, record);
}

void DeviceResourcePlan::forgotten(const DeviceId& device) {
    Record& record = records_[device];
    record.known = false;
    record.forgotten = true;
    record.object = {};
    record.refused.clear();
    record.refusal.clear();
    record.conflict.clear();
    record.online = false;
    record.heartbeat_us = 0;
    if (record.left_out) left_out_.erase(device);
    record.left_out = false;
    note_foreign(device, record);
    set_refresh(device, record);
    if (record.seen) enqueue(device, record);
    erase_if_unused(device);
}

void DeviceResourcePlan::heartbeat(const DeviceId& device, Timestamp seen_at, Timestamp now) {
    tell_time(now);
    Record& record = records_[device];
    // It may have been seen before the clock went back.
    record.heartbeat_us = std::max(record.heartbeat_us, std::min(seen_at, now).microseconds());
    const std::int64_t stale_s =
        Timestamp::from_microseconds(record.heartbeat_us).seconds() + settings_.heartbeat_stale_after.count();
    if (!record.awaits_expiry) {
        record.awaits_expiry = true;
        expiries_[stale_s].push_back(device);
    }
    if (record.online || stale_s <= now.seconds()) return;
    record.online = true;
    set_refresh(device, record);
    if (record.known) enqueue(device, record);
}

void DeviceResourcePlan::info_refused(const DeviceId& device, std::string problem) {
    if (problem.empty() && !records_.contains(device)) return;
    const auto found = records_.find(device);
    // Of a device that never said anything right there is nothing to show.
    if (found == records_.end() || found->second.refused == problem) return;
    found->second.refused = std::move(problem);
    enqueue(device, found->second);
}

void DeviceResourcePlan::all_told() {
    if (told_) return;
    told_ = true;
    for (auto& [device, record] : records_) {
        if (record.seen && !record.known) enqueue(device, record);
    }
}

// The clock went back: what has passed has passed all the same. Whole seconds, as expiries_ has them.
void DeviceResourcePlan::tell_time(Timestamp now) {
    const std::int64_t seconds = (clock_.microseconds() - now.microseconds()) / kSecond;
    clock_ = now;
    if (seconds <= 0) return;
    for (auto& [device, record] : records_) {
        if (record.heartbeat_us != 0)
            record.heartbeat_us = std::max<std::int64_t>(1, record.heartbeat_us - seconds * kSecond);
        if (record.refresh_key != 0)
            record.refresh_key = std::max<std::int64_t>(1, record.refresh_key - seconds * kSecond);
    }
    refreshes_.clear();
    for (const auto& [device, record] : records_) {
        if (record.refresh_key != 0) refreshes_.emplace(record.refresh_key, device);
    }
    std::map<std::int64_t, std::vector<DeviceId>> expiries;
    for (auto& [second, devices] : expiries_)
        expiries.emplace_hint(expiries.end(), second - seconds, std::move(devices));
    expiries_ = std::move(expiries);
}

void DeviceResourcePlan::expire(Timestamp now) {
    while (!expiries_.empty() && expiries_.begin()->first <= now.seconds()) {
        const auto due = expiries_.extract(expiries_.begin());
        for (const DeviceId& device : due.mapped()) {
            Record& record = records_[device];
            const std::int64_t stale_s = Timestamp::from_microseconds(record.heartbeat_us).seconds() +
                                         settings_.heartbeat_stale_after.count();
            if (record.heartbeat_us != 0 && stale_s > now.seconds()) {
                expiries_[stale_s].push_back(device);
                continue;
            }
            record.awaits_expiry = false;
            if (record.online) {
                record.online = false;
                set_refresh(device, record);
                if (record.known) enqueue(device, record);
            }
            erase_if_unused(device);
        }
    }
}

void DeviceResourcePlan::replay_begins() {
    for (auto& entry : records_)
        entry.second.seen_in_replay = false;
}

void DeviceResourcePlan::set_seen(const DeviceId& device, Record& record,
                                  std::optional<ObservedDevice> seen) {
    const bool was_ours = ours(record);
    record.seen = std::move(seen);
    resources_ += static_cast<std::size_t>(ours(record)) - static_cast<std::size_t>(was_ours);
    note_foreign(device, record);
    if (was_ours && !ours(record) && !left_out_.empty() && resources_ < settings_.max_devices) {
        const auto next = left_out_.extract(left_out_.begin()).value();
        records_[next].left_out = false;
        enqueue(next, records_[next]);
    }
    set_refresh(device, record);
}

void DeviceResourcePlan::observed(const DeviceId& device, ObservedDevice seen) {
    Record& record = records_[device];
    record.seen_in_replay = true;
    const bool outdated = record.seen && record.seen->uid == seen.uid && seen.version != 0 &&
                          seen.version < record.written_version;
    if (outdated) return;
    set_seen(device, record, std::move(seen));
    enqueue(device, record);
}

void DeviceResourcePlan::gone(const DeviceId& device) {
    const auto found = records_.find(device);
    if (found == records_.end()) return;
    set_seen(device, found->second, std::nullopt);
    if (found->second.known) enqueue(device, found->second);
    erase_if_unused(device);
}

void DeviceResourcePlan::replay_ends() {
    watched_ = true;
    std::vector<DeviceId> absent;
    for (const auto& [device, record] : records_) {
        if (!record.seen_in_replay) absent.push_back(device);
    }
    for (const DeviceId& device : absent) {
        if (records_[device].seen) gone(device);
        erase_if_unused(device);
    }
}

}  // namespace harmony::op
