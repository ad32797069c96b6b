#include "harmony/operator/reducer.hpp"

#include <algorithm>

#include "harmony/contracts/canonical_json.hpp"
#include "harmony/operator/status.hpp"

namespace harmony::op {

using contracts::Timestamp;

namespace {

constexpr std::size_t kNamedUnavailable = 3;  // in a condition
// Less than this is no step: whatever waits for a moment waits at most so much longer.
constexpr std::int64_t kClockStepMicroseconds = 1'000'000;

bool same_transitions(const std::vector<contracts::Condition>& a,
                      const std::vector<contracts::Condition>& b) {
    return std::is_permutation(a.begin(), a.end(), b.begin(), b.end(),
                               [](const auto& one, const auto& other) {
                                   return one.type == other.type && one.status == other.status &&
                                          one.last_transition_time == other.last_transition_time;
                               });
}

}  // namespace

void Reducer::apply(const Event& event, Timestamp now) {
    const std::int64_t back = now_.microseconds() - now.microseconds();
    if (back >= kClockStepMicroseconds) move_moments_back(back);
    now_ = now;
    std::visit([&](const auto& fact) { on(fact, now); }, event);
}

void Reducer::on(const Tick&, Timestamp now) {
    expire_heartbeats(now);
    expire_waits(now);
    stop_awaiting(now);
}

void Reducer::touch_status(DeploymentSlot slot) {
    DeploymentRecord& deployment = deployments_[slot];
    if (deployment.status_dirty || !deployment.exists) return;
    deployment.status_dirty = true;
    status_dirty_.push_back(slot);
}

contracts::DeploymentAggregate Reducer::aggregate(const DeploymentRecord& deployment) const {
    contracts::DeploymentAggregate result;
    result.matched_device_count =
        static_cast<std::int64_t>(deployment.targets.cardinality() + deployment.excluded.cardinality());
    result.succeeded = static_cast<std::int64_t>(deployment.succeeded.cardinality());
    result.failed = static_cast<std::int64_t>(deployment.failed.cardinality());
    result.pending = result.matched_device_count - result.succeeded - result.failed;
    const auto latest = newest_failures(deployment, 1);
    if (!latest.empty()) result.last_error = latest.front();
    return result;
}

std::vector<contracts::AggregateError> Reducer::newest_failures(const DeploymentRecord& deployment,
                                                                std::size_t limit) const {
    std::vector<contracts::AggregateError> result;
    for (auto latest = deployment.failure_order.rbegin();
         latest != deployment.failure_order.rend() && result.size() < limit; ++latest) {
        result.push_back({devices_[latest->second].id.str(), deployment.failures.at(latest->second).message,
                          latest->first});
    }
    return result;
}

StatusInput Reducer::status_input(const DeploymentRecord& deployment) const {
    StatusInput input;
    input.generation = deployment.generation;
    input.deleting = deployment.deleting;
    input.keys_left = deployment.keys_written;
    input.waiting = deployment.waiting;
    input.excluded = static_cast<std::int64_t>(deployment.excluded.cardinality());
    input.aggregate = aggregate(deployment);
    input.failures = newest_failures(deployment, contracts::kMaxStatusFailures);
    if (!deployment.rolling || deployment.deleting) return input;
    const RollingState& rolling = *deployment.rolling;
    auto& rollout = input.rollout.emplace();
    rollout.counts = rollout_counts(deployment);
    rollout.plan = plan_rollout(rolling.limits, rollout.counts);
    if (rollout.counts.unavailable == 0) return input;
    for (const DeviceSlot device : deployment.targets - rolling.available) {
        rollout.unavailable.push_back(devices_[device].id.str() +
                                      (deployment.failed.contains(device) ? " failed"
                                       : online_.contains(device)         ? ""
                                                                          : " is offline"));
        if (rollout.unavailable.size() == kNamedUnavailable) break;
    }
    std::sort(rollout.unavailable.begin(), rollout.unavailable.end());
    return input;
}

std::vector<StatusAction> Reducer::take_statuses(Timestamp now) {
    const std::int64_t interval = std::chrono::microseconds(options_.status_interval).count();
    std::vector<StatusAction> result;
    std::vector<DeploymentSlot> later;
    for (const DeploymentSlot slot : status_dirty_) {
        DeploymentRecord& deployment = deployments_[slot];
        if (!deployment.status_dirty) continue;
        const std::int64_t age = now.microseconds() - deployment.status_at.microseconds();
        if (deployment.status_taken && age >= 0 && age < interval) {
            later.push_back(slot);
            continue;
        }
        deployment.status_dirty = false;
        if (!deployment.exists) continue;
        auto status = derive_status(status_input(deployment), deployment.status.conditions, now);
        if (deployment.status_taken && status == deployment.status) continue;
        const bool conditions_changed = !same_transitions(status.conditions, deployment.status.conditions);
        deployment.status = status;
        deployment.status_taken = true;
        deployment.status_at = now;
        result.push_back({deployment.name, std::move(status), conditions_changed});
    }
    status_dirty_ = std::move(later);
    return result;
}

std::vector<contracts::DeploymentName> Reducer::releasable_deployments() const {
    std::vector<contracts::DeploymentName> result;
    if (sync_ != Sync::Known || !orphans_.empty()) return result;
    for (const DeploymentSlot slot : deleting_) {
        const DeploymentRecord& deployment = deployments_[slot];
        if (deployment.keys_written > 0 || deployment.last_delete_batch > acknowledged_) continue;
        result.push_back(deployment.name);
    }
    return result;
}

std::vector<contracts::DeviceId> Reducer::devices() const {
    std::vector<contracts::DeviceId> result;
    for (const DeviceSlot slot : registered_)
        result.push_back(devices_[slot].id);
    return result;
}

std::vector<contracts::DeploymentName> Reducer::deployments() const {
    std::vector<contracts::DeploymentName> result;
    for (const auto& [name, slot] : deployment_slots_) {
        if (deployments_[slot].exists) result.push_back(deployments_[slot].name);
    }
    return result;
}

bool Reducer::knows_device(const contracts::DeviceId& device) const {
    const auto slot = find_device(device);
    return slot && devices_[*slot].registered;
}

DeviceView Reducer::device(const contracts::DeviceId& device, Timestamp now) const {
    DeviceView view;
    const auto slot = find_device(device);
    if (!slot) return view;
    const DeviceRecord& record = devices_[*slot];
    if (record.last_heartbeat_s != 0) {
        view.last_heartbeat = Timestamp::from_microseconds(std::int64_t{record.last_heartbeat_s} * 1'000'000);
        view.online = record.last_heartbeat_s + options_.heartbeat_stale_after.count() > now.seconds();
    }
    for (const Pair& pair : record.pairs) {
        if (pair.reported != Reported::Nothing) view.reported.push_back(deployments_[pair.deployment].name);
    }
    std::sort(view.reported.begin(), view.reported.end());
    return view;
}

std::optional<contracts::DeploymentStatus> Reducer::status(
    const contracts::DeploymentName& deployment) const {
    const auto slot = find_deployment(deployment);
    if (!slot || !deployments_[*slot].exists || !deployments_[*slot].status_taken) return std::nullopt;
    return deployments_[*slot].status;
}

contracts::DeploymentAggregate Reducer::aggregate(const contracts::DeploymentName& deployment) const {
    const auto slot = find_deployment(deployment);
    return slot ? aggregate(deployments_[*slot]) : contracts::DeploymentAggregate{};
}

contracts::DesiredIndex Reducer::desired(const contracts::DeviceId& device) const {
    contracts::DesiredIndex index;
    const auto slot = find_device(device);
    if (!slot) return index;
    for (const Pair& pair : devices_[*slot].pairs) {
        if (pair.targeted && pair.held != 0) index.deployments.push_back(deployments_[pair.deployment].name);
    }
    std::sort(index.deployments.begin(), index.deployments.end());
    return index;
}

FleetCounts Reducer::counts() const {
    FleetCounts result;
    result.devices = static_cast<std::int64_t>(registered_.cardinality());
    result.online = static_cast<std::int64_t>(online_.and_cardinality(registered_));
    for (const DeploymentRecord& deployment : deployments_)
        result.deployments += deployment.exists ? 1 : 0;
    result.labels = static_cast<std::int64_t>(labels_.label_count());
    result.waiting_devices = static_cast<std::int64_t>(dirty_.size());
    result.repeated_hints = repeated_hints_;
    result.ignored_reports = ignored_reports_;
    return result;
}

}  // namespace harmony::op
