#include "kubernetes_namespace_score.hpp"

namespace harmony::fleet_e2e {

using namespace plugin;

namespace {

constexpr const char* kStep = "namespace";
// What is Terminating holds its NodePorts, which belong to the whole cluster.
constexpr int kGoneTimeoutS = 90;

KubernetesBatch batch(const std::string& name) {
    Json labels = Json::object({{kE2eLabel, kE2eLabelValue}});
    Json metadata = Json::object({{"name", name}, {"labels", std::move(labels)}});
    return {.objects = {Json::object(
                {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", std::move(metadata)}})},
            .owner = {.score = E2eNamespaceScore::info.name}};
}

KubernetesRef ref_of(const std::string& name) {
    return {.api_version = "v1", .kind = "Namespace", .name = name};
}

Object object_of(const std::string& name) {
    return {.kind = "Namespace", .name = name};
}

}  // namespace

Result<std::vector<Object>> E2eNamespaceScore::read(Run& run) {
    const auto& name = run.params().name_space;
    if (name.empty()) return std::vector<Object>{};
    auto found = run.use<Kubernetes>().get(ref_of(name));
    if (!found) return failure(std::move(found.error()));
    std::vector<Object> objects;
    if (*found) objects.push_back(object_of(name));
    return objects;
}

Result<Plan> E2eNamespaceScore::plan(Run& run, const PlanRequest& request) {
    const auto& name = run.params().name_space;
    Plan plan;
    // As `harmony apply --all` without a composition means it: nobody runs a scenario.
    if (name.empty()) return plan;
    if (request.purpose == Purpose::Destroy) {
        auto existing = read(run);
        if (!existing) return failure(std::move(existing.error()));
        if (!existing->empty())
            plan.steps.push_back({.id = kStep,
                                  .action = Action::Delete,
                                  .object = object_of(name),
                                  .destructive = true,
                                  .why = "everything in it goes with it"});
        return plan;
    }
    auto changes = run.use<Kubernetes>().diff(batch(name));
    if (!changes) return failure(std::move(changes.error()));
    for (auto& change : *changes) {
        if (const auto action = step_action(change.action))
            plan.steps.push_back(
                {.id = kStep, .action = *action, .object = object_of(name), .diff = std::move(change.diff)});
    }
    return plan;
}

Result<void> E2eNamespaceScore::apply(Run& run, const Step& /*step*/) {
    const auto& name = run.params().name_space;
    // Waits while an earlier one of that name is on its way out.
    if (auto there = run.use<Kubernetes>().ensure_namespace(name, kGoneTimeoutS); !there)
        return failure(std::move(there.error()));
    auto applied = run.use<Kubernetes>().apply(batch(name));
    if (!applied) return failure(std::move(applied.error()));
    return {};
}

Result<std::vector<Check>> E2eNamespaceScore::verify(Run& run) {
    const auto& name = run.params().name_space;
    if (name.empty()) return std::vector<Check>{};
    const auto found = run.use<Kubernetes>().get(ref_of(name));
    if (!found) return failure(found.error());
    const std::string phase = *found ? (**found)["status"]["phase"].string_or("unknown") : "missing";
    return std::vector<Check>{{.name = "the namespace " + name + " is active",
                               .ok = phase == "Active",
                               .detail = "it is " + phase}};
}

Result<void> E2eNamespaceScore::destroy(Run& run, const Step& /*step*/) {
    auto removed =
        run.use<Kubernetes>().remove({.ref = ref_of(run.params().name_space), .timeout_s = kGoneTimeoutS});
    if (!removed) return failure(std::move(removed.error()));
    return {};
}

}  // namespace harmony::fleet_e2e
