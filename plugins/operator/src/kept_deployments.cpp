#include "kept_deployments.hpp"

#include <algorithm>

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

Result<void> check_releasable(const std::vector<Json>& deployments, bool operator_runs) {
    if (operator_runs) return {};
    const auto held = std::count_if(deployments.begin(), deployments.end(), is_held);
    if (held == 0) return {};
    return failure(plugin::Diagnostic{
        .code = "operator.finalizers",
        .summary = std::to_string(held) +
                   " Deployments wait to be released by an operator, and there is none any more",
        .hint = "apply FleetOperatorScore again, then destroy it with --delete-data",
        .status = HP_E_INVALID});
}

}  // namespace

Result<void> check_releasable(Kubernetes& cluster, const std::string& name_space, bool operator_runs) {
    const auto deployments = deployments_of(cluster, name_space);
    if (!deployments) return failure(deployments.error());
    return check_releasable(*deployments, operator_runs);
}

Result<std::vector<Step>> deployment_removals(Kubernetes& cluster, const std::string& name_space,
                                              bool operator_runs) {
    const auto deployments = deployments_of(cluster, name_space);
    if (!deployments) return failure(deployments.error());
    if (auto releasable = check_releasable(*deployments, operator_runs); !releasable)
        return failure(std::move(releasable.error()));
    std::vector<Step> steps;
    for (const Json& deployment : *deployments) {
        const std::string name = deployment["metadata"]["name"].string_or("");
        steps.push_back({.id = std::string(kStepKind) + " " + name,
                         .action = plugin::Action::Delete,
                         .object = {.kind = kStepKind, .name = name, .detail = "namespace " + name_space},
                         .destructive = true});
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
