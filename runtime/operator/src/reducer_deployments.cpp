#include "harmony/contracts/canonical_json.hpp"
#include "harmony/operator/reducer.hpp"

namespace harmony::op {

using contracts::Timestamp;

std::optional<DeploymentSlot> Reducer::find_deployment(const contracts::DeploymentName& name) const {
    const auto found = deployment_slots_.find(name.str());
    if (found == deployment_slots_.end()) return std::nullopt;
    return found->second;
}

DeploymentSlot Reducer::deployment_slot(const contracts::DeploymentName& name) {
    if (const auto known = find_deployment(name)) return *known;
    DeploymentSlot slot = 0;
    if (free_deployments_.empty()) {
        slot = static_cast<DeploymentSlot>(deployments_.size());
        deployments_.emplace_back();
    } else {
        slot = free_deployments_.back();
        free_deployments_.pop_back();
    }
    deployments_[slot].name = name;
    deployment_slots_.emplace(name.str(), slot);
    return slot;
}

void Reducer::free_deployment_if_unused(DeploymentSlot slot) {
    DeploymentRecord& deployment = deployments_[slot];
    if (deployment.exists || deployment.pairs > 0 || deployment.name.empty()) return;
    deployment_slots_.erase(deployment.name.str());
    deployment = DeploymentRecord{};
    free_deployments_.push_back(slot);
}

void Reducer::on(const DeploymentKnown& event, Timestamp) {
    const auto name = event.deployment.name();
    if (!name) return;
    const DeploymentSlot slot = deployment_slot(*name);
    DeploymentRecord& deployment = deployments_[slot];
    if (!deployment.exists) {
        deployment.exists = true;
        deployment.restoring = true;
        deployment.rollout = {};
        deployment.status = {};
        deployment.status.conditions = event.conditions;
        deployment.status_taken = false;
    }
    const Timestamp created = event.deployment.metadata.creation_timestamp.value_or(Timestamp{});
    if (deployment.created != created) {
        // Another one of the same name: its place among a device's deployments is another.
        set_active(slot, std::nullopt);
        deployment.created = created;
        deployment.restoring = true;
        deployment.rollout = {};
    }
    deployment.generation = event.deployment.metadata.generation;
    deployment.deleting = event.deployment.metadata.deletion_timestamp.has_value();
    deployment.paused = event.deployment.spec.paused;
    deployment.waiting =
        deployment.paused && (!event.active || event.active->score != event.deployment.spec.score ||
                              event.active->target_selector != event.deployment.spec.target_selector);
    if (deployment.deleting) {
        deleting_.insert(slot);
        abandon_unclaimed(*name);
    }
    const auto active = deployment.deleting ? std::nullopt : event.active;
    if (active) set_revisions(slot, active->score.encode(), event.rollout);
    set_active(slot, active);
    set_strategy(slot, active);
    deployment.restoring = false;
    touch_status(slot);
}

void Reducer::on(const DeploymentGone& event, Timestamp) {
    const auto slot = find_deployment(event.deployment);
    if (!slot) return;
    set_active(*slot, std::nullopt);
    set_strategy(*slot, std::nullopt);
    deleting_.erase(*slot);
    abandon_unclaimed(event.deployment);
    DeploymentRecord& deployment = deployments_[*slot];
    deployment.exists = false;
    deployment.deleting = false;
    deployment.status_taken = false;
    free_deployment_if_unused(*slot);
}

void Reducer::set_active(DeploymentSlot slot, const std::optional<contracts::DeploymentSpec>& active) {
    DeploymentRecord& deployment = deployments_[slot];
    const bool same_selector =
        active && deployment.selector && *deployment.selector == active->target_selector;
    if (same_selector) return;
    if (deployment.selector) {
        labels_.unfile(slot, deployment.compiled);
        labels_.release(deployment.compiled);
        deployment.compiled = {};
        deployment.selector.reset();
    }
    if (!active) {
        retarget_deployment(slot, Bitmap{});
        return;
    }
    deployment.selector = active->target_selector;
    deployment.compiled = labels_.compile(active->target_selector);
    labels_.file(slot, deployment.compiled);
    retarget_deployment(slot, labels_.evaluate(deployment.compiled, registered_));
}

void Reducer::retarget_deployment(DeploymentSlot slot, const Bitmap& wanted) {
    const Bitmap selected = deployments_[slot].targets | deployments_[slot].excluded;
    const Bitmap leaving = selected - wanted;
    const Bitmap joining = wanted - selected;
    const std::span<const DeploymentSlot> only(&slot, 1);
    for (const DeviceSlot device : leaving)
        select(device, only, {});
    for (const DeviceSlot device : joining)
        select(device, {}, only);
}

}  // namespace harmony::op
