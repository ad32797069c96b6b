// The objects that a Score wants in a cluster, as steps of a plan: one for each object that differs, one for
// each that is no longer wanted, and one for the namespace where there is none.
#pragma once

#include <harmony/capability/kubernetes.hpp>
#include <harmony/plugin/call.hpp>
#include <harmony/plugin/plan.hpp>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace harmony::fleet_access {

inline constexpr const char* kFleetPart = "harmony-fleet";  // part-of of all objects

// One Score of one context. `kinds` are all kinds that it applies or ever applied, without those of its data.
struct ClusterOwner {
    std::string score;
    std::string name_space;
    std::vector<plugin::KubernetesKind> kinds;
};

[[nodiscard]] plugin::Json to_plugin_json(const nlohmann::json& object);
// Of an object with apiVersion, kind and metadata.
[[nodiscard]] plugin::KubernetesRef ref_of(const plugin::Json& object);
// `StatefulSet shop/fleet-nats`: the same for the same object in every plan.
[[nodiscard]] std::string object_step_id(const plugin::KubernetesRef& ref);
// The detail says the namespace.
[[nodiscard]] plugin::Object object_of(const plugin::KubernetesRef& ref);

// Whether a field that another manager has set stays as that manager wants it: the number of replicas. All
// else that a Score says is the Score's: apply takes it back, and the step says from whom.
[[nodiscard]] bool yields_to_others(const std::string& path);

// An object without the fields that others have set and that it yields, and what apply would do with it.
struct ClusterChange {
    plugin::Json object;
    plugin::KubernetesChange change;  // its conflicts are those that apply overrules
    std::vector<plugin::KubernetesConflict> yielded;
};

// Reads only, in the order of apply.
[[nodiscard]] plugin::Result<std::vector<ClusterChange>> object_changes(
    plugin::Kubernetes& cluster, const ClusterOwner& owner, const std::vector<plugin::Json>& objects);

// Reads only. Steps in the order in which they are to be carried out.
[[nodiscard]] plugin::Result<std::vector<plugin::Step>> object_steps(
    plugin::Call& call, plugin::Kubernetes& cluster, const ClusterOwner& owner,
    const std::vector<plugin::Json>& objects);

// Carries out one of them. Does not wait for a rollout. An unknown step is `kubernetes.unknown-step`.
[[nodiscard]] plugin::Result<void> apply_object_step(plugin::Kubernetes& cluster, const ClusterOwner& owner,
                                                     const std::vector<plugin::Json>& objects,
                                                     const plugin::Step& step);

// Reads only: a removal of each object that the Score applied, for Purpose::Destroy. Carried out by
// remove_object_step.
[[nodiscard]] plugin::Result<std::vector<plugin::Step>> object_removals(plugin::Kubernetes& cluster,
                                                                        const ClusterOwner& owner);
[[nodiscard]] plugin::Step removal_step(const plugin::KubernetesRef& ref);
// Returns when the object is gone. `kinds` of the owner or `further` must hold the step's.
[[nodiscard]] plugin::Result<void> remove_object_step(
    plugin::Kubernetes& cluster, const ClusterOwner& owner, const plugin::Step& step,
    const std::vector<plugin::KubernetesKind>& further = {});

// Reads only: what the Score applied of the kinds, in the order in which it can be removed.
[[nodiscard]] plugin::Result<std::vector<plugin::KubernetesRef>> owned_refs(
    plugin::Kubernetes& cluster, const ClusterOwner& owner, const std::vector<plugin::KubernetesKind>& kinds);
// The same, as the answer to read().
[[nodiscard]] plugin::Result<std::vector<plugin::Object>> owned_objects(
    plugin::Kubernetes& cluster, const ClusterOwner& owner, const std::vector<plugin::KubernetesKind>& kinds);

// Until the workloads among the objects are rolled out; the diagnostic says why one is not.
[[nodiscard]] plugin::Result<void> await_workloads(plugin::Kubernetes& cluster,
                                                   const std::vector<plugin::Json>& objects, int timeout_s);

}  // namespace harmony::fleet_access
