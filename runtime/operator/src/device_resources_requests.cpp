// What is to be asked of the cluster next, and what its answers mean.
#include <algorithm>

#include "harmony/daemon/logging.hpp"
#include "harmony/operator/device_resources_plan.hpp"

namespace harmony::op {

namespace kubernetes = runtime::kubernetes;
using contracts::DeviceId;
using contracts::Timestamp;
using kubernetes::Reason;

namespace {

constexpr runtime::daemon::Logger kLog("device-resources");
constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kFirstPause = kSecond / 2;
constexpr std::int64_t kLongestPause = 30 * kSecond;
constexpr std::int64_t kFarAway = 3600 * kSecond;

Timestamp later(Timestamp now, std::int64_t microseconds) {
    return Timestamp::from_microseconds(now.microseconds() + microseconds);
}

// A failure that says something about one device, and nothing about the next.
bool of_this_device(DeviceRequestKind kind, const kubernetes::Failure& failure) {
    // Nothing to be found where something would be made: the definition itself is missing.
    if (failure.reason == Reason::NotFound) return kind != DeviceRequestKind::Object;
    // Without fields somebody else wrote at the same moment, and the same may do the next time.
    if (failure.reason == Reason::Conflict)
        return kind == DeviceRequestKind::Delete || !failure.conflicts.empty();
    return failure.reason == Reason::Invalid || failure.reason == Reason::Rejected;
}

std::string describe(const std::vector<kubernetes::FieldConflict>& conflicts) {
    std::string result;
    for (const auto& conflict : conflicts)
        result += (result.empty() ? "" : ", ") + conflict.field + " (" + conflict.manager + ")";
    return result;
}

}  // namespace

void RequestBudget::save(Timestamp now) {
    const auto passed = at_ ? std::max<std::int64_t>(now.microseconds() - at_->microseconds(), 0) : 0;
    saved_ =
        std::min(saved_ + static_cast<double>(passed) * per_second_ / kSecond, std::max(per_second_, 1.0));
    at_ = now;
}

bool RequestBudget::take(Timestamp now) {
    save(now);
    if (saved_ < 1) return false;
    saved_ -= 1;
    return true;
}

std::int64_t RequestBudget::wait(Timestamp now) {
    save(now);
    if (saved_ >= 1) return 0;
    return static_cast<std::int64_t>((1 - saved_) * kSecond / per_second_) + 1;
}

bool DeviceResourcePlan::object_is_due(const Record& record) const {
    if (!record.seen) return true;
    if (record.seen->hash == record.object.hash && record.seen->stack == settings_.stack) return false;
    // Applied, and somebody has added what is not ours to remove.
    if (record.applied_hash == record.object.hash && record.applied_result == record.seen->hash) return false;
    // The same would meet the same conflict.
    return record.conflict.empty() || record.conflict_hash != record.object.hash ||
           record.conflict_version != record.seen->version;
}

contracts::DeviceStatus DeviceResourcePlan::wanted_status(const Record& record, Timestamp now) const {
    contracts::DeviceStatus result;
    const auto say = [&](std::string_view type, bool so, std::string_view reason, std::string message) {
        result.conditions.push_back(
            {std::string(type), so ? contracts::ConditionStatus::True : contracts::ConditionStatus::False,
             std::string(reason), std::move(message), now});
    };
    if (record.seen) result.last_heartbeat = record.seen->status.last_heartbeat;
    if (!record.known) {
        if (record.seen) result.agent_version = record.seen->status.agent_version;
        say("Online", false, "NotRegistered", "");
        say("Registered", false, "NotRegistered",
            "the fleet does not know this device: delete this resource if it is gone for good");
    } else {
        result.online = record.online;
        result.agent_version = record.agent_version;
        if (record.heartbeat_us != 0)
            result.last_heartbeat = Timestamp::from_microseconds(record.heartbeat_us);
        if (record.online) {
            say("Online", true, "HeartbeatFresh", "");
        } else {
            say("Online", false, "HeartbeatStale",
                "no heartbeat for " + std::to_string(settings_.heartbeat_stale_after.count()) + " s");
        }
        if (!record.refused.empty())
            say(contracts::kConditionInfoAccepted, false, "Malformed",
                record.refused + "; what the device said before still holds");
        if (!record.object.dropped.empty())
            say("LabelsAccepted", false, "LabelsDropped", record.object.dropped);
        if (!record.conflict.empty())
            say("ResourceCurrent", false, "FieldConflict",
                "fields that another manager owns are left as they are: " + record.conflict);
    }
    if (record.seen) keep_transition_times(result.conditions, record.seen->status.conditions);
    return result;
}

std::optional<DeviceRequest> DeviceResourcePlan::request_for(const DeviceId& device, Record& record,
                                                             Timestamp now) {
    if (foreign(record) || (record.seen && record.seen->deleting)) return std::nullopt;
    if (record.forgotten) {
        if (!ours(record)) return std::nullopt;
        return DeviceRequest{DeviceRequestKind::Delete, device, record.seen->uid, {}, 0, {}};
    }
    if (!record.known && !ours(record)) return std::nullopt;
    if (record.known && record.refusal.empty() && object_is_due(record)) {
        if (!ours(record) && resources_ >= settings_.max_devices) {
            if (left_out_.empty())
                kLog.warning("no further device gets a Device resource",
                             {{"limit", settings_.max_devices}, {"first", device.str()}});
            record.left_out = true;
            left_out_.insert(device);
            return std::nullopt;
        }
        return DeviceRequest{DeviceRequestKind::Object, device, {}, record.object.body,
                             record.object.hash,        {}};
    }
    if (!ours(record) || !status_may_go(record)) return std::nullopt;
    auto status = wanted_status(record, now);
    if (same_status(status, record.seen->status)) return std::nullopt;
    return DeviceRequest{DeviceRequestKind::Status, device, {}, {}, 0, std::move(status)};
}

std::optional<DeviceRequest> DeviceResourcePlan::next_change(Timestamp now) {
    while (!queue_.empty()) {
        if (changes_.wait(now) > 0) return std::nullopt;
        const DeviceId device = std::move(queue_.front());
        queue_.pop_front();
        const auto found = records_.find(device);
        if (found == records_.end()) continue;
        found->second.queued = false;
        if (auto request = request_for(device, found->second, now)) {
            (void)changes_.take(now);
            return request;
        }
        erase_if_unused(device);
    }
    return std::nullopt;
}

std::optional<DeviceRequest> DeviceResourcePlan::next_refresh(Timestamp now) {
    const auto interval =
        std::chrono::duration_cast<std::chrono::microseconds>(settings_.refresh_interval).count();
    while (!refreshes_.empty()) {
        const auto [written, device] = *refreshes_.begin();
        if (now.microseconds() - written < interval || refresh_budget_.wait(now) > 0) return std::nullopt;
        Record& record = records_[device];
        // What else there is to write takes the newest time with it.
        const bool worth = !record.queued && status_may_go(record) && record.heartbeat_us > written;
        if (!worth) {
            refreshes_.erase(refreshes_.begin());
            // Looked at again in an interval; its heartbeat may be overdue.
            record.refresh_key = std::max<std::int64_t>(now.microseconds(), 1);
            refreshes_.emplace(record.refresh_key, device);
            continue;
        }
        (void)refresh_budget_.take(now);
        return DeviceRequest{DeviceRequestKind::Status, device, {}, {}, 0, wanted_status(record, now), true};
    }
    return std::nullopt;
}

std::optional<DeviceRequest> DeviceResourcePlan::next(Timestamp now) {
    tell_time(now);
    expire(now);
    const std::int64_t pause = paused_until_.microseconds() - now.microseconds();
    if (!may_write() || (pause > 0 && pause <= kLongestPause)) return std::nullopt;
    if (auto change = next_change(now)) return change;
    return next_refresh(now);
}

void DeviceResourcePlan::done(const DeviceRequest& request,
                              const kubernetes::Answer<std::optional<ObservedDevice>>& written,
                              Timestamp now) {
    Record& record = records_[request.device];
    if (!written) {
        ++failures_;
        take_failure(request, record, written.error(), now);
        erase_if_unused(request.device);
        return;
    }
    if (pause_us_ != 0) kLog.info("Device resources can be written again");
    pause_us_ = 0;
    trouble_.clear();
    if (request.kind == DeviceRequestKind::Delete) {
        set_seen(request.device, record, std::nullopt);
    } else if (*written) {
        const ObservedDevice& now_there = **written;
        if (request.kind == DeviceRequestKind::Object) {
            record.conflict.clear();
            record.applied_hash = request.hash;
            record.applied_result = now_there.hash;
        } else if (record.seen && record.conflict_version == record.seen->version) {
            record.conflict_version = now_there.version;  // our own change: the conflict is what it was
        }
        record.written_version = now_there.version;
        set_seen(request.device, record, now_there);
    }
    if (record.known || record.seen) enqueue(request.device, record);  // whatever is left to be done
    erase_if_unused(request.device);
}

void DeviceResourcePlan::take_failure(const DeviceRequest& request, Record& record,
                                      const kubernetes::Failure& failure, Timestamp now) {
    const DeviceId& device = request.device;
    if (!of_this_device(request.kind, failure)) {
        pause_us_ = std::clamp(pause_us_ * 2, kFirstPause, kLongestPause);
        paused_until_ = later(now, pause_us_);
        if (failure.text() != trouble_)
            kLog.warning("Device resources can't be written", {{"error", failure.text()}});
        trouble_ = failure.text();
        return enqueue(device, record);
    }
    if (failure.reason == Reason::NotFound) {
        set_seen(device, record, std::nullopt);
        if (record.known) enqueue(device, record);
        return;
    }
    if (request.kind == DeviceRequestKind::Delete) return;  // another one by now: the watch tells
    if (failure.reason == Reason::Conflict) {
        record.conflict = describe(failure.conflicts);
        record.conflict_hash = record.object.hash;
        record.conflict_version = record.seen ? record.seen->version : 0;
        kLog.warning("a Device has fields of another manager",
                     {{"device", device.str()}, {"fields", record.conflict}});
        note_foreign(device, record);
        if (record.seen) enqueue(device, record);  // otherwise the watch tells whose it is
        return;
    }
    kLog.warning("a Device was refused", {{"device", device.str()}, {"error", failure.text()}});
    record.refusal = failure.text();
    record.status_refused = request.kind == DeviceRequestKind::Status;
    if (!record.status_refused) enqueue(device, record);  // the status it has is kept right all the same
}

Timestamp DeviceResourcePlan::next_due(Timestamp now) {
    std::int64_t wait = kFarAway;
    if (!expiries_.empty()) wait = std::min(wait, (expiries_.begin()->first - now.seconds()) * kSecond);
    if (may_write()) {
        const std::int64_t pause =
            std::max<std::int64_t>(paused_until_.microseconds() - now.microseconds(), 0);
        if (!queue_.empty()) wait = std::min(wait, std::max(pause, changes_.wait(now)));
        if (!refreshes_.empty()) {
            const auto interval =
                std::chrono::duration_cast<std::chrono::microseconds>(settings_.refresh_interval).count();
            const auto due = refreshes_.begin()->first + interval - now.microseconds();
            wait = std::min(wait, std::max({pause, due, refresh_budget_.wait(now)}));
        }
    }
    return later(now, std::clamp<std::int64_t>(wait, 0, kFarAway));
}

DeviceResourceCounts DeviceResourcePlan::counts() const {
    return {resources_, queue_.size(), left_out_.size(), foreign_.size(), failures_};
}

}  // namespace harmony::op
