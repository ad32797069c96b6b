#include "cluster_objects.hpp"

#include "applier.hpp"
#include "diagnostics.hpp"
#include "inventory.hpp"
#include "json_bridge.hpp"
#include "reachability.hpp"
#include "removal.hpp"
#include "rollout_wait.hpp"

namespace harmony::cluster {

using plugin::Result;

Result<plugin::KubernetesCluster> ClusterObjects::info() {
    auto connected = session_.connection();
    if (!connected) return plugin::failure(std::move(connected.error()));
    return plugin::KubernetesCluster{(*connected)->origin, (*connected)->server, (*connected)->name_space};
}

Result<std::vector<plugin::KubernetesChange>> ClusterObjects::diff(const plugin::KubernetesBatch& batch) {
    return Applier(session_).diff(batch);
}

Result<std::vector<plugin::KubernetesApplied>> ClusterObjects::apply(const plugin::KubernetesBatch& batch) {
    return Applier(session_).apply(batch);
}

Result<std::optional<plugin::Json>> ClusterObjects::get(const plugin::KubernetesRef& ref) {
    auto target = session_.ref(ref.api_version, ref.kind, ref.name_space, ref.name);
    if (!target && target.error().code == "kubernetes.kind-missing") return std::optional<plugin::Json>();
    if (!target) return plugin::failure(std::move(target.error()));
    auto object = session_.read(*target);
    if (!object) return plugin::failure(std::move(object.error()));
    if (!*object) return std::optional<plugin::Json>();
    return std::optional(to_sdk(**object));
}

Result<std::vector<plugin::Json>> ClusterObjects::list(const plugin::KubernetesQuery& query) {
    auto type = session_.type(query.kind.api_version, query.kind.kind);
    if (!type && type.error().code == "kubernetes.kind-missing") return std::vector<plugin::Json>();
    if (!type) return plugin::failure(std::move(type.error()));
    auto& client = *(*session_.connection())->client;
    auto found = api::list_all(client, *type, type->namespaced ? query.name_space : std::string(),
                               {.label_selector = selector_of(query.labels)}, session_.limits());
    if (!found) return diagnose(found.error());
    std::vector<plugin::Json> objects;
    for (json& object : *found) {
        // The items of a list leave them out.
        object["apiVersion"] = query.kind.api_version;
        object["kind"] = query.kind.kind;
        if (carries(object, query.labels)) objects.push_back(to_sdk(object));
    }
    return objects;
}

Result<std::vector<plugin::KubernetesRef>> ClusterObjects::owned(
    const plugin::KubernetesInventory& inventory) {
    return owned_objects(session_, inventory);
}

Result<bool> ClusterObjects::remove(const plugin::KubernetesRemoval& removal) {
    return remove_object(session_, removal);
}

Result<std::vector<plugin::KubernetesReady>> ClusterObjects::wait(const plugin::KubernetesRollout& rollout) {
    return await_rollout(session_, rollout);
}

Result<bool> ClusterObjects::ensure_namespace(const std::string& name, int timeout_s) {
    return cluster::ensure_namespace(session_, name, std::chrono::seconds(timeout_s));
}

Result<plugin::KubernetesAddress> ClusterObjects::reach(const plugin::KubernetesServicePort& service) {
    return reach_service(session_, service);
}

}  // namespace harmony::cluster
