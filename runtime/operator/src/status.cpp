#include "harmony/operator/status.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "harmony/contracts/desired_state.hpp"

namespace harmony::op {

using contracts::Condition;
using contracts::ConditionStatus;

namespace {

constexpr const char* kTooMany = "TooManyDeployments";

Condition condition(std::string_view type, bool holds, std::string reason, std::string message) {
    Condition result;
    result.type = type;
    result.status = holds ? ConditionStatus::True : ConditionStatus::False;
    result.reason = std::move(reason);
    result.message = std::move(message);
    return result;
}

std::string share(std::int64_t part, const StatusInput& input) {
    return std::to_string(part) + " of " + std::to_string(input.aggregate.matched_device_count) + " devices";
}

Condition ready(const StatusInput& input) {
    const auto& count = input.aggregate;
    if (input.deleting) return condition(contracts::kConditionReady, false, "Deleting", "is being deleted");
    if (count.matched_device_count == 0) {
        return condition(contracts::kConditionReady, false, "NoDeviceMatched",
                         "no known device carries the labels that the selector asks for");
    }
    if (count.succeeded == count.matched_device_count) {
        return condition(contracts::kConditionReady, true, "AllDevicesRunning",
                         share(count.succeeded, input) + " run it");
    }
    return condition(contracts::kConditionReady, false, count.failed > 0 ? "DevicesFailed" : "DevicesPending",
                     share(count.succeeded, input) + " run it");
}

std::string progress(const RolloutCounts& counts) {
    std::string text = std::to_string(counts.updated) + " of " + std::to_string(counts.matched) + " updated";
    if (counts.unavailable > 0) text += ", " + std::to_string(counts.unavailable) + " unavailable";
    return text;
}

std::string listed(const std::vector<std::string>& some, std::int64_t all) {
    std::string text;
    for (const std::string& one : some)
        text += (text.empty() ? "" : ", ") + one;
    const std::int64_t more = all - static_cast<std::int64_t>(some.size());
    return more > 0 ? text + " and " + std::to_string(more) + " more" : text;
}

// While devices are still to be updated.
Condition rolling(const StatusInput& input) {
    constexpr auto kType = contracts::kConditionProgressing;
    const RolloutInput& rollout = *input.rollout;
    const std::string so_far = progress(rollout.counts);
    switch (rollout.plan.phase) {
        case RolloutPhase::Halted: {
            std::string message = so_far + "; halted: " + std::to_string(rollout.counts.failed) +
                                  " failed, maxFailures is " + std::to_string(rollout.plan.max_failures);
            if (const auto& error = input.aggregate.last_error)
                message += "; " + error->device + ": " + error->message;
            return condition(kType, false, std::string(contracts::kReasonRolloutHalted), std::move(message));
        }
        case RolloutPhase::Paused:
            return condition(kType, false, std::string(contracts::kReasonPaused), so_far + "; paused");
        case RolloutPhase::Waiting:
            return condition(kType, true, "WaitingForDevices",
                             so_far + " and maxUnavailable is " +
                                 std::to_string(rollout.plan.max_unavailable) + ": " +
                                 listed(rollout.unavailable, rollout.counts.unavailable));
        case RolloutPhase::Rolling:
        case RolloutPhase::Complete:
            break;
    }
    return condition(kType, true, "RollingOut", so_far);
}

Condition progressing(const StatusInput& input) {
    constexpr auto kType = contracts::kConditionProgressing;
    if (input.deleting) {
        return condition(kType, true, "Deleting",
                         std::to_string(input.keys_left) + " devices still have to let go");
    }
    if (input.waiting)
        return condition(kType, false, std::string(contracts::kReasonPaused),
                         "the fleet keeps the spec it had when it was paused");
    if (input.rollout && input.rollout->plan.phase != RolloutPhase::Complete) return rolling(input);
    if (const auto pending = input.aggregate.pending - input.excluded; pending > 0) {
        return condition(kType, true, "DevicesPending", share(pending, input) + " have not reported it");
    }
    if (input.excluded > 0)
        return condition(kType, false, kTooMany, "every device that can hold it has reported");
    return condition(kType, false, "Complete", "every matching device has reported");
}

Condition degraded(const StatusInput& input) {
    if (input.excluded > 0) {
        return condition(contracts::kConditionDegraded, true, kTooMany,
                         share(input.excluded, input) +
                             " do not get it: older Deployments select them, and " +
                             std::to_string(contracts::kMaxDeploymentsPerDevice) + " are all that one holds");
    }
    if (input.aggregate.failed == 0)
        return condition(contracts::kConditionDegraded, false, "NoFailure", "no device reports a failure");
    std::string message = share(input.aggregate.failed, input) + " report a failure";
    if (const auto& error = input.aggregate.last_error)
        message += "; the newest is " + error->device + ": " + error->message;
    return condition(contracts::kConditionDegraded, true, "DevicesFailed", std::move(message));
}

}  // namespace

contracts::DeploymentStatus derive_status(const StatusInput& input, const std::vector<Condition>& previous,
                                          contracts::Timestamp now) {
    contracts::DeploymentStatus status;
    status.observed_generation = input.generation;
    status.aggregate = input.aggregate;
    status.failures = input.failures;
    if (input.rollout)
        status.rollout =
            contracts::RolloutStatus{input.rollout->counts.updated, input.rollout->counts.unavailable};
    status.conditions = {ready(input), progressing(input), degraded(input)};
    for (Condition& current : status.conditions) {
        const auto before = std::find_if(previous.begin(), previous.end(),
                                         [&](const Condition& other) { return other.type == current.type; });
        const bool same = before != previous.end() && before->status == current.status;
        current.last_transition_time = same ? before->last_transition_time : now;
    }
    return status;
}

}  // namespace harmony::op
