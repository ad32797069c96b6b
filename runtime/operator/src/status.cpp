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

Condition progressing(const StatusInput& input) {
    constexpr auto kType = contracts::kConditionProgressing;
    if (input.deleting) {
        return condition(kType, true, "Deleting",
                         std::to_string(input.keys_left) + " devices still have to let go");
    }
    if (input.waiting)
        return condition(kType, false, "Paused", "the fleet keeps the spec it had when it was paused");
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
    return condition(contracts::kConditionDegraded, true, "DevicesFailed",
                     share(input.aggregate.failed, input) + " report a failure");
}

}  // namespace

contracts::DeploymentStatus derive_status(const StatusInput& input, const std::vector<Condition>& previous,
                                          contracts::Timestamp now) {
    contracts::DeploymentStatus status;
    status.observed_generation = input.generation;
    status.aggregate = input.aggregate;
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
