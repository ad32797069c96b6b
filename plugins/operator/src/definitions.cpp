#include "definitions.hpp"

#include <nlohmann/json.hpp>

#include "cluster_objects.hpp"
#include "fleet_operator_score.hpp"
#include "harmony/contracts/resource_definitions.hpp"
#include "harmony/contracts/resources.hpp"
#include "harmony/fleet_access/kubernetes_objects.hpp"
#include "harmony/kubernetes_manifests/metadata.hpp"
#include "kept_deployments.hpp"

namespace harmony::fleet_operator {

using contracts::DefinitionMatch;
using plugin::Action;
using plugin::failure;
using plugin::Json;
using plugin::Kubernetes;
using plugin::KubernetesRef;
using plugin::Result;
using plugin::Step;

namespace {

constexpr const char* kKind = "CustomResourceDefinition";
constexpr int kRemovalTimeout_s = 120;

std::vector<nlohmann::json> definitions() {
    return {contracts::deployment_definition(), contracts::device_definition()};
}

plugin::KubernetesBatch batch_of(const nlohmann::json& definition) {
    return {.objects = {fleet_access::to_plugin_json(definition)},
            .owner = {.score = FleetOperatorScore::info.name},
            .force = true,
            .shared = true};
}

tl::unexpected<plugin::Diagnostic> refused(const std::string& code,
                                           const contracts::DefinitionComparison& comparison) {
    return failure(plugin::Diagnostic{.code = code, .summary = comparison.reason, .status = HP_E_INVALID});
}

// Nothing when it is as it should be.
Result<std::optional<Step>> definition_step(Kubernetes& cluster, const nlohmann::json& ours) {
    const Json wanted = fleet_access::to_plugin_json(ours);
    const KubernetesRef ref = fleet_access::ref_of(wanted);
    const auto installed = cluster.get(ref);
    if (!installed) return failure(installed.error());
    Step step{.id = fleet_access::object_step_id(ref),
              .action = Action::Create,
              .object = fleet_access::object_of(ref),
              .summary = "for the whole cluster; a destroy leaves it"};
    if (*installed) {
        const auto found = nlohmann::json::parse((**installed).dump());
        const auto comparison = contracts::compare_definition(ours, found);
        const bool leaving = (**installed)["metadata"]["deletionTimestamp"].is_string();
        if (comparison.match == DefinitionMatch::Same && !leaving) return std::optional<Step>();
        if (comparison.match == DefinitionMatch::Newer)
            return refused("operator.definition-newer", comparison);
        if (comparison.match == DefinitionMatch::Foreign)
            return refused("operator.definition-foreign", comparison);
        if (!leaving) step.action = Action::Update;
        step.why = leaving ? "the one that is there is being deleted" : comparison.reason;
    }
    auto changes = cluster.diff(batch_of(ours));
    if (!changes) return failure(std::move(changes.error()));
    for (auto& change : *changes)
        step.diff = std::move(change.diff);
    return std::optional(std::move(step));
}

}  // namespace

Result<std::vector<Step>> definition_steps(Kubernetes& cluster) {
    std::vector<Step> steps;
    for (const auto& ours : definitions()) {
        auto step = definition_step(cluster, ours);
        if (!step) return failure(std::move(step.error()));
        if (*step) steps.push_back(std::move(**step));
    }
    return steps;
}

bool is_definition_step(const Step& step) {
    return step.object.kind == kKind;
}

Result<void> apply_definition_step(Kubernetes& cluster, const Step& step) {
    for (const auto& ours : definitions()) {
        if (ours["metadata"]["name"] != step.object.name) continue;
        auto applied = cluster.apply(batch_of(ours));
        if (!applied) return failure(std::move(applied.error()));
    }
    return {};
}

Result<bool> definitions_used_elsewhere(Kubernetes& cluster, const std::string& name_space) {
    const auto found = cluster.list(
        {.kind = {"apps/v1", "Deployment"}, .labels = {{kubernetes_manifests::kNameLabel, kWorkload}}});
    if (!found) return failure(found.error());
    for (const Json& workload : *found) {
        if (workload["metadata"]["namespace"] != Json(name_space)) return true;
    }
    return false;
}

Result<std::vector<Step>> definition_removals(Kubernetes& cluster, const std::string& name_space,
                                              bool operator_runs) {
    std::vector<Step> steps;
    for (const auto& ours : definitions()) {
        const KubernetesRef ref = fleet_access::ref_of(fleet_access::to_plugin_json(ours));
        const auto installed = cluster.get(ref);
        if (!installed) return failure(installed.error());
        if (!*installed) continue;
        steps.push_back(fleet_access::removal_step(ref));
        steps.back().summary =
            "with all " + ours["spec"]["names"]["kind"].get<std::string>() + " resources of the cluster";
        steps.back().destructive = true;
    }
    if (steps.empty()) return steps;
    if (auto releasable = check_releasable(cluster, name_space, operator_runs); !releasable)
        return failure(std::move(releasable.error()));
    return steps;
}

Result<void> remove_definition(Kubernetes& cluster, const Step& step) {
    for (const auto& ours : definitions()) {
        if (ours["metadata"]["name"] != step.object.name) continue;
        auto removed = cluster.remove({.ref = fleet_access::ref_of(fleet_access::to_plugin_json(ours)),
                                       .timeout_s = kRemovalTimeout_s,
                                       .shared = true});
        if (removed) continue;
        if (removed.error().code == "kubernetes.timeout")
            removed.error().hint = "look at the operator with: kubectl logs deployment/fleet-operator";
        return failure(std::move(removed.error()));
    }
    return {};
}

}  // namespace harmony::fleet_operator
