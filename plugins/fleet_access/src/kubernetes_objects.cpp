#include "harmony/fleet_access/kubernetes_objects.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

namespace harmony::fleet_access {

using plugin::Action;
using plugin::failure;
using plugin::Json;
using plugin::Kubernetes;
using plugin::KubernetesAction;
using plugin::KubernetesKind;
using plugin::KubernetesRef;
using plugin::Result;
using plugin::Step;

namespace {

constexpr const char* kNamespaceKind = "Namespace";
constexpr int kNamespaceTimeout_s = 90;
// A pod that ends has 30 s for it, and its node needs a moment.
constexpr int kRemovalTimeout_s = 90;
constexpr const char* kReplicas = ".spec.replicas";

plugin::KubernetesOwner owner_of(const ClusterOwner& owner) {
    return {.score = owner.score, .part_of = kFleetPart};
}

Result<std::vector<plugin::KubernetesChange>> diff(Kubernetes& cluster, const ClusterOwner& owner,
                                                   std::vector<Json> objects) {
    return cluster.diff({.objects = std::move(objects), .owner = owner_of(owner)});
}

// The only field that is ever yielded.
Json without_replicas(const Json& object) {
    Json::Object spec = object["spec"].members();
    spec.erase("replicas");
    Json copy = object;
    copy["spec"] = Json(std::move(spec));
    return copy;
}

Result<ClusterChange> settle(Kubernetes& cluster, const ClusterOwner& owner, const Json& object,
                             plugin::KubernetesChange change) {
    ClusterChange settled{object, std::move(change), {}};
    for (const auto& conflict : settled.change.conflicts) {
        if (yields_to_others(conflict.path)) settled.yielded.push_back(conflict);
    }
    if (settled.yielded.empty()) return settled;
    settled.object = without_replicas(object);
    auto again = diff(cluster, owner, {settled.object});
    if (!again) return failure(std::move(again.error()));
    if (again->empty()) return settled;
    again->front().ref = settled.change.ref;
    settled.change = std::move(again->front());
    return settled;
}

enum class NamespaceState { There, Absent, Leaving };

Result<NamespaceState> namespace_state(Kubernetes& cluster, const std::string& name) {
    const auto found = cluster.get({.api_version = "v1", .kind = kNamespaceKind, .name = name});
    // Who may not look at namespaces is told by the apply when there is none.
    if (!found && found.error().code == "kubernetes.forbidden") return NamespaceState::There;
    if (!found) return failure(found.error());
    if (!*found) return NamespaceState::Absent;
    const bool leaving = (**found)["metadata"]["deletionTimestamp"].is_string();
    return leaving ? NamespaceState::Leaving : NamespaceState::There;
}

std::string namespace_step_id(const std::string& name) {
    return std::string(kNamespaceKind) + " " + name;
}

Step namespace_step(const std::string& name, NamespaceState state) {
    Step step{.id = namespace_step_id(name),
              .action = Action::Create,
              .object = {.kind = kNamespaceKind, .name = name},
              .summary = "a destroy leaves it"};
    if (state == NamespaceState::Leaving) step.why = "the one of that name is being deleted";
    return step;
}

std::string conflict_text(const std::vector<plugin::KubernetesConflict>& conflicts) {
    std::string text;
    for (const auto& conflict : conflicts)
        text += (text.empty() ? "" : ", ") + conflict.path + " of " + conflict.manager;
    return text;
}

std::optional<Step> step_of(const ClusterChange& settled) {
    const auto action = plugin::step_action(settled.change.action);
    if (!action) return std::nullopt;
    Step step{.id = object_step_id(settled.change.ref),
              .action = *action,
              .object = object_of(settled.change.ref),
              .diff = settled.change.diff};
    if (!settled.change.conflicts.empty())
        step.why = "it takes back what others have set: " + conflict_text(settled.change.conflicts);
    return step;
}

const Json* find_object(const std::vector<Json>& objects, const std::string& step_id) {
    const auto found = std::find_if(objects.begin(), objects.end(), [&](const Json& each) {
        return object_step_id(ref_of(each)) == step_id;
    });
    return found == objects.end() ? nullptr : &*found;
}

// An object of a kind without namespaces names none.
const Json* find_object(const std::vector<Json>& objects, const KubernetesRef& found) {
    const auto same = std::find_if(objects.begin(), objects.end(), [&](const Json& each) {
        const KubernetesRef ref = ref_of(each);
        return ref.api_version == found.api_version && ref.kind == found.kind && ref.name == found.name &&
               (ref.name_space.empty() || ref.name_space == found.name_space);
    });
    return same == objects.end() ? nullptr : &*same;
}

tl::unexpected<plugin::Diagnostic> unknown_step(const Step& step) {
    return failure("kubernetes.unknown-step", "no object of the parameters belongs to the step " + step.id,
                   "plan again: the parameters have changed since");
}

// `<kind> <namespace>/<name>`
Result<KubernetesRef> ref_of_step(const Step& step, const std::vector<KubernetesKind>& kinds) {
    const auto space = step.id.find(' ');
    const auto slash = step.id.find('/');
    if (space == std::string::npos || slash == std::string::npos || slash < space) return unknown_step(step);
    KubernetesRef ref{.api_version = {},
                      .kind = step.id.substr(0, space),
                      .name_space = step.id.substr(space + 1, slash - space - 1),
                      .name = step.id.substr(slash + 1)};
    for (const auto& kind : kinds) {
        if (kind.kind == ref.kind) ref.api_version = kind.api_version;
    }
    if (ref.api_version.empty()) return unknown_step(step);
    return ref;
}

}  // namespace

Json to_plugin_json(const nlohmann::json& value) {
    if (value.is_object()) {
        Json object = Json::object();
        for (const auto& [name, member] : value.items())
            object[name] = to_plugin_json(member);
        return object;
    }
    if (value.is_array()) {
        Json array = Json::array();
        for (const auto& item : value)
            array.push_back(to_plugin_json(item));
        return array;
    }
    if (value.is_string()) return value.get<std::string>();
    if (value.is_boolean()) return value.get<bool>();
    if (value.is_number_integer()) return value.get<std::int64_t>();
    if (value.is_number_float()) return value.get<double>();
    return {};
}

KubernetesRef ref_of(const Json& object) {
    const Json& metadata = object["metadata"];
    return {.api_version = object["apiVersion"].string_or(""),
            .kind = object["kind"].string_or(""),
            .name_space = metadata["namespace"].string_or(""),
            .name = metadata["name"].string_or("")};
}

std::string object_step_id(const KubernetesRef& ref) {
    return ref.kind + " " + ref.name_space + "/" + ref.name;
}

plugin::Object object_of(const KubernetesRef& ref) {
    plugin::Object object{.kind = ref.kind, .name = ref.name};
    if (!ref.name_space.empty()) object.detail = "namespace " + ref.name_space;
    return object;
}

bool yields_to_others(const std::string& path) {
    return path == kReplicas;
}

Result<std::vector<ClusterChange>> object_changes(Kubernetes& cluster, const ClusterOwner& owner,
                                                  const std::vector<Json>& objects) {
    auto changes = diff(cluster, owner, objects);
    if (!changes) return failure(std::move(changes.error()));
    std::vector<ClusterChange> settled;
    for (auto& change : *changes) {
        const Json* object = find_object(objects, change.ref);
        if (object == nullptr) continue;
        change.ref = ref_of(*object);
        auto one = settle(cluster, owner, *object, std::move(change));
        if (!one) return failure(std::move(one.error()));
        settled.push_back(std::move(*one));
    }
    return settled;
}

Result<std::vector<Step>> object_steps(plugin::Call& call, Kubernetes& cluster, const ClusterOwner& owner,
                                       const std::vector<Json>& objects) {
    const auto state = namespace_state(cluster, owner.name_space);
    if (!state) return failure(state.error());
    auto changes = object_changes(cluster, owner, objects);
    if (!changes) return failure(std::move(changes.error()));
    const auto owned = owned_refs(cluster, owner, owner.kinds);
    if (!owned) return failure(owned.error());

    std::vector<Step> steps;
    if (*state != NamespaceState::There) steps.push_back(namespace_step(owner.name_space, *state));
    for (auto& settled : *changes) {
        // What is there goes with its namespace.
        if (*state == NamespaceState::Leaving) settled.change.action = KubernetesAction::Create;
        if (!settled.yielded.empty())
            call.warn(settled.change.ref.kind + " " + settled.change.ref.name + " keeps " +
                      conflict_text(settled.yielded));
        if (auto step = step_of(settled)) steps.push_back(std::move(*step));
    }
    for (const auto& ref : *owned) {
        if (find_object(objects, ref) != nullptr) continue;
        steps.push_back(removal_step(ref));
        steps.back().why = "it is no longer wanted";
    }
    return steps;
}

Result<void> apply_object_step(Kubernetes& cluster, const ClusterOwner& owner,
                               const std::vector<Json>& objects, const Step& step) {
    if (step.action == Action::Delete) return remove_object_step(cluster, owner, step);
    if (step.id == namespace_step_id(owner.name_space)) {
        auto made = cluster.ensure_namespace(owner.name_space, kNamespaceTimeout_s);
        if (!made) return failure(std::move(made.error()));
        return {};
    }
    const Json* object = find_object(objects, step.id);
    if (object == nullptr) return unknown_step(step);
    auto applied = cluster.apply({.objects = {*object}, .owner = owner_of(owner)});
    if (applied) return {};
    if (applied.error().code != Kubernetes::kConflict) return failure(std::move(applied.error()));
    auto changes = object_changes(cluster, owner, {*object});
    if (!changes) return failure(std::move(changes.error()));
    for (const auto& settled : *changes) {
        auto forced = cluster.apply({.objects = {settled.object},
                                     .owner = owner_of(owner),
                                     .force = !settled.change.conflicts.empty()});
        if (!forced) return failure(std::move(forced.error()));
    }
    return {};
}

Step removal_step(const KubernetesRef& ref) {
    return {.id = object_step_id(ref), .action = Action::Delete, .object = object_of(ref)};
}

Result<std::vector<Step>> object_removals(Kubernetes& cluster, const ClusterOwner& owner) {
    const auto owned = owned_refs(cluster, owner, owner.kinds);
    if (!owned) return failure(owned.error());
    std::vector<Step> steps;
    for (const auto& ref : *owned)
        steps.push_back(removal_step(ref));
    return steps;
}

Result<void> remove_object_step(Kubernetes& cluster, const ClusterOwner& owner, const Step& step,
                                const std::vector<KubernetesKind>& further) {
    auto kinds = owner.kinds;
    kinds.insert(kinds.end(), further.begin(), further.end());
    auto ref = ref_of_step(step, kinds);
    if (!ref) return failure(std::move(ref.error()));
    auto removed = cluster.remove({.ref = std::move(*ref), .timeout_s = kRemovalTimeout_s});
    if (!removed) return failure(std::move(removed.error()));
    return {};
}

Result<std::vector<KubernetesRef>> owned_refs(Kubernetes& cluster, const ClusterOwner& owner,
                                              const std::vector<KubernetesKind>& kinds) {
    return cluster.owned({owner_of(owner), kinds, owner.name_space});
}

Result<std::vector<plugin::Object>> owned_objects(Kubernetes& cluster, const ClusterOwner& owner,
                                                  const std::vector<KubernetesKind>& kinds) {
    const auto refs = owned_refs(cluster, owner, kinds);
    if (!refs) return failure(refs.error());
    std::vector<plugin::Object> objects;
    for (const auto& ref : *refs)
        objects.push_back(object_of(ref));
    return objects;
}

Result<void> await_workloads(Kubernetes& cluster, const std::vector<Json>& objects, int timeout_s) {
    plugin::KubernetesRollout rollout{.objects = {}, .timeout_s = timeout_s};
    for (const Json& object : objects) {
        const KubernetesRef ref = ref_of(object);
        if (ref.kind == "StatefulSet" || ref.kind == "Deployment") rollout.objects.push_back(ref);
    }
    if (rollout.objects.empty()) return {};
    auto ready = cluster.wait(rollout);
    if (!ready) return failure(std::move(ready.error()));
    return {};
}

}  // namespace harmony::fleet_access
