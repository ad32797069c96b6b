#include "harmony/operator/deployment_notes.hpp"

#include <algorithm>

namespace harmony::op {

using contracts::Condition;
using contracts::DeploymentStatus;
using contracts::Timestamp;

namespace {

constexpr double kBurst = 6;
constexpr double kPerSecond = 1.0 / 30;
constexpr std::int64_t kSameReasonSeconds = 60;

const Condition* find(const DeploymentStatus& status, std::string_view type) {
    const auto found = std::find_if(status.conditions.begin(), status.conditions.end(),
                                    [&](const Condition& condition) { return condition.type == type; });
    return found == status.conditions.end() ? nullptr : &*found;
}

std::string reason_of(const std::optional<DeploymentStatus>& status, std::string_view type) {
    const Condition* condition = status ? find(*status, type) : nullptr;
    return condition != nullptr ? condition->reason : std::string();
}

bool under_way(std::string_view reason) {
    return reason == "RollingOut" || reason == "WaitingForDevices" || reason == "DevicesPending";
}

}  // namespace

std::vector<DeploymentNote> notes_of_change(const std::optional<DeploymentStatus>& before,
                                            const DeploymentStatus& after) {
    std::vector<DeploymentNote> notes;
    const Condition* progress = find(after, contracts::kConditionProgressing);
    const Condition* degraded = find(after, contracts::kConditionDegraded);
    if (progress == nullptr || degraded == nullptr) return notes;
    const std::string was = reason_of(before, contracts::kConditionProgressing);
    if (progress->reason == kReasonInvalidSpec || progress->reason == kReasonNotStored) {
        const Condition* same = before ? find(*before, contracts::kConditionProgressing) : nullptr;
        if (same == nullptr || same->reason != progress->reason || same->message != progress->message)
            notes.push_back({true, progress->reason, progress->message});
        return notes;
    }
    const bool rolls = progress->reason == "RollingOut" || progress->reason == "WaitingForDevices";
    const bool rolled = was == "RollingOut" || was == "WaitingForDevices";
    if (rolls && !rolled) notes.push_back({false, "RolloutStarted", progress->message});
    if (progress->reason == contracts::kReasonRolloutHalted && was != progress->reason)
        notes.push_back({true, "RolloutHalted", progress->message});
    // One that took less than the time between two statuses shows only in the generation.
    const bool newer = before && after.observed_generation > before->observed_generation;
    const bool ends = newer || under_way(was) || was == contracts::kReasonRolloutHalted;
    if (progress->reason == "Complete" && ends && after.aggregate.matched_device_count > 0 &&
        after.aggregate.failed == 0) {
        notes.push_back({false, "RolloutCompleted",
                         std::to_string(after.aggregate.succeeded) + " of " +
                             std::to_string(after.aggregate.matched_device_count) + " devices run it"});
    }
    const std::int64_t failed = before ? before->aggregate.failed : 0;
    if (after.aggregate.failed > failed) notes.push_back({true, "DevicesFailed", degraded->message});
    return notes;
}

std::vector<DeploymentNote> NoteLimiter::pass(const std::string& uid, std::vector<DeploymentNote> notes,
                                              Timestamp now) {
    if (notes.empty()) return notes;
    const auto [place, fresh] = known_.try_emplace(uid);
    Known& known = place->second;
    const double passed =
        std::max(static_cast<double>(now.microseconds() - known.at.microseconds()) / 1e6, 0.0);
    known.room = fresh ? kBurst : std::clamp(known.room + passed * kPerSecond, 0.0, kBurst);
    known.at = now;
    std::erase_if(notes, [&](const DeploymentNote& note) {
        const auto told = known.told.find(note.reason);
        // Negative where the clock went back.
        const std::int64_t age = told == known.told.end() ? -1 : now.seconds() - told->second.seconds();
        const bool again = note.reason == "DevicesFailed" && age >= 0 && age < kSameReasonSeconds;
        if (again || known.room < 1) return true;
        known.room -= 1;
        known.told.insert_or_assign(note.reason, now);
        return false;
    });
    return notes;
}

}  // namespace harmony::op
