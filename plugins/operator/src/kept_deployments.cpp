#include "kept_deployments.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "harmony/contracts/resources.hpp"

namespace harmony::fleet_operator {

using plugin::failure;
using plugin::Json;
using plugin::Kubernetes;
using plugin::Result;
using plugin::Step;

namespace {

// Its short name: "Deployment" alone would be taken for the workload.
constexpr const char* kStepKind = "fleetdep";
constexpr int kRemovalTimeout_s = 120;

Result<std::vector<Json>> deployments_of(Kubernetes& cluster, const std::string& name_space) {
    return cluster.list(
        {.kind = {std::string(contracts::kApiVersion), std::string(contracts::kDeploymentKind)},
         .name_space = name_space});
}

bool is_held(const Json& deployment) {
    const auto& finalizers = deployment["metadata"]["finalizers"].items();
    return std::any_of(finalizers.begin(), finalizers.end(),
                       [](const Json& each) { return each == Json(contracts::kFinalizer); });
}

// Those of `served` are released.
Result<void> check_releasable(const std::vector<Json>& deployments,
                              const std::optional<std::string>& served) {
    std::set<std::string> places;
    std::ptrdiff_t held = 0;
    for (const Json& deployment : deployments) {
        const std::string place = deployment["metadata"]["namespace"].string_or("");
        if (!is_held(deployment) || place == served) continue;
        places.insert(place);
        ++held;
    }
    if (held == 0) return {};
    std::string names;
    for (const std::string& place : places)
        names += (names.empty() ? "" : ", ") + place;
    return failure(
        plugin::Diagnostic{.code = "operator.finalizers",
                           .summary = std::to_string(held) + " Deployments in namespace " + names +
                                      " wait to be released by an operator, and there is none any more",
                           .hint = "apply FleetOperatorScore again there, then destroy it with --delete-data",
                           .status = HP_E_INVALID});
}

Step step_for(const std::string& name, const std::string& name_space) {
    return {.id = std::string(kStepKind) + " " + name,
            .action = plugin::Action::Delete,
            .object = {.kind = kStepKind, .name = name, .detail = "namespace " + name_space}};
}

std::optional<std::string> served_by(bool operator_runs, const std::string& name_space) {
    return operator_runs ? std::optional(name_space) : std::nullopt;
}

}  // namespace

Result<void> check_releasable(Kubernetes& cluster, const std::string& name_space, bool operator_runs) {
    const auto deployments = deployments_of(cluster, {});
    if (!deployments) return failure(deployments.error());
    return check_releasable(*deployments, served_by(operator_runs, name_space));
}

Result<std::vector<Step>> deployment_removals(Kubernetes& cluster, const std::string& name_space,
                                              bool operator_runs) {
    const auto deployments = deployments_of(cluster, name_space);
    if (!deployments) return failure(deployments.error());
    if (auto releasable = check_releasable(*deployments, served_by(operator_runs, name_space)); !releasable)
        return failure(std::move(releasable.error()));
    std::vector<Step> steps;
    for (const Json& deployment : *deployments) {
        const std::string name = deployment["metadata"]["name"].string_or("");
        steps.push_back(step_for(name, name_space));
        steps.back().destructive = true;
    }
    return steps;
}

Result<std::vector<Step>> probe_removals(Kubernetes& cluster, const fleet_access::ClusterOwner& owner) {
    const auto owned = fleet_access::owned_refs(
        cluster, owner, {{std::string(contracts::kApiVersion), std::string(contracts::kDeploymentKind)}});
    if (!owned) return failure(owned.error());
    std::vector<Step> steps;
    for (const auto& ref : *owned) {
        if (ref.name_space == owner.name_space) steps.push_back(step_for(ref.name, ref.name_space));
    }
    return steps;
}

bool is_deployment_step(const Step& step) {
    return step.object.kind == kStepKind;
}

Result<void> remove_deployment(Kubernetes& cluster, const std::string& name_space, const Step& step) {
    auto removed = cluster.remove({.ref = {.api_version = std::string(contracts::kApiVersion),
                                           .kind = std::string(contracts::kDeploymentKind),
                                           .name_space = name_space,
                                           .name = step.object.name},
                                   .timeout_s = kRemovalTimeout_s,
                                   .shared = true});
    if (!removed) return failure(std::move(removed.error()));
    return {};
}

}  // namespace harmony::fleet_operator
