#include "harmony/kubernetes_manifests/workloads.hpp"

#include "members.hpp"

namespace harmony::kubernetes_manifests {
namespace {

Json workload_spec(const Labels& selector, const std::optional<int>& replicas, const PodTemplate& pod) {
    Json spec{{"selector", {{"matchLabels", selector}}}, {"template", to_json(pod)}};
    if (replicas) spec["replicas"] = *replicas;
    return spec;
}

}  // namespace

Json to_json(const Deployment& object) {
    Json json = object_of("apps/v1", "Deployment", object.metadata);
    json["spec"] = workload_spec(object.selector, object.replicas, object.pod);
    const bool recreate = object.strategy == DeploymentStrategy::Recreate;
    json["spec"]["strategy"] = {{"type", recreate ? "Recreate" : "RollingUpdate"}};
    json["spec"]["progressDeadlineSeconds"] = object.progress_deadline_s;
    return json;
}

Json to_json(const StatefulSet& object) {
    Json json = object_of("apps/v1", "StatefulSet", object.metadata);
    json["spec"] = workload_spec(object.selector, object.replicas, object.pod);
    json["spec"]["serviceName"] = object.service;
    json["spec"]["podManagementPolicy"] = object.in_order ? "OrderedReady" : "Parallel";
    return json;
}

}  // namespace harmony::kubernetes_manifests
