#include <algorithm>
#include <harmony/plugin/testing/fake_kubernetes.hpp>
#include <sstream>

namespace harmony::plugin::testing {

namespace {

constexpr const char* kScoreLabel = "fake/score";
constexpr const char* kPartOfLabel = "fake/part-of";

Json labelled(Json object, const KubernetesRef& ref, const KubernetesBatch& batch) {
    Json& metadata = object["metadata"];
    metadata["namespace"] = ref.name_space;
    if (batch.shared) return object;
    metadata["labels"][kScoreLabel] = batch.owner.score;
    if (!batch.owner.part_of.empty()) metadata["labels"][kPartOfLabel] = batch.owner.part_of;
    return object;
}

bool carries(const Json& object, const std::map<std::string, std::string>& labels) {
    const Json& own = object["metadata"]["labels"];
    return std::all_of(labels.begin(), labels.end(),
                       [&](const auto& label) { return own[label.first] == Json(label.second); });
}

}  // namespace

FakeKubernetes::Key FakeKubernetes::key(const KubernetesRef& ref) {
    return {ref.api_version, ref.kind, ref.name_space.empty() ? "default" : ref.name_space, ref.name};
}

Result<KubernetesRef> FakeKubernetes::ref_of(const Json& object, std::size_t index) {
    const Json& metadata = object["metadata"];
    KubernetesRef ref{.api_version = object["apiVersion"].string_or(""),
                      .kind = object["kind"].string_or(""),
                      .name_space = metadata["namespace"].string_or("default"),
                      .name = metadata["name"].string_or("")};
    if (!ref.api_version.empty() && !ref.kind.empty() && !ref.name.empty()) return ref;
    return invalid_parameter("objects[" + std::to_string(index) + "]",
                             "an object has apiVersion, kind and metadata.name");
}

KubernetesAction FakeKubernetes::action_for(const Key& key, const Json& next) const {
    auto found = objects_.find(key);
    if (found == objects_.end()) return KubernetesAction::Create;
    return found->second == next ? KubernetesAction::None : KubernetesAction::Update;
}

std::vector<KubernetesConflict> FakeKubernetes::conflicts_of(const Json& object) const {
    const auto claims = claims_.find(object["metadata"]["name"].string_or(""));
    if (claims == claims_.end()) return {};
    std::vector<KubernetesConflict> conflicts;
    for (const auto& claim : claims->second) {
        const Json* value = &object;
        std::istringstream path(claim.path);
        for (std::string part; std::getline(path, part, '.');) {
            if (!part.empty()) value = &(*value)[part];
        }
        if (!value->is_null()) conflicts.push_back(claim);
    }
    return conflicts;
}

Result<KubernetesCluster> FakeKubernetes::info() {
    if (auto fault = note("info")) return failure(*fault);
    return KubernetesCluster{"fake", "https://127.0.0.1:6443", "default"};
}

Result<std::vector<KubernetesChange>> FakeKubernetes::diff(const KubernetesBatch& batch) {
    if (auto fault = note("diff")) return failure(*fault);
    std::vector<KubernetesChange> changes;
    for (std::size_t i = 0; i < batch.objects.size(); ++i) {
        auto ref = ref_of(batch.objects[i], i);
        if (!ref) return failure(ref.error());
        const auto action = action_for(key(*ref), labelled(batch.objects[i], *ref, batch));
        KubernetesChange change{.ref = *ref, .action = action};
        change.conflicts = conflicts_of(batch.objects[i]);
        if (action == KubernetesAction::Update) {
            change.diff.push_back({.path = "object", .before = "old", .after = "new"});
        }
        changes.push_back(std::move(change));
    }
    return changes;
}

Result<std::vector<KubernetesApplied>> FakeKubernetes::apply(const KubernetesBatch& batch) {
    if (auto fault = note("apply")) return failure(*fault);
    std::vector<KubernetesApplied> applied;
    for (std::size_t i = 0; i < batch.objects.size(); ++i) {
        auto ref = ref_of(batch.objects[i], i);
        if (!ref) return failure(ref.error());
        if (const auto conflicts = conflicts_of(batch.objects[i]); !conflicts.empty()) {
            if (!batch.force)
                return failure(std::string(kConflict),
                               conflicts.front().path + " is owned by " + conflicts.front().manager);
            std::erase_if(claims_[ref->name], [&](const KubernetesConflict& claim) {
                return std::find(conflicts.begin(), conflicts.end(), claim) != conflicts.end();
            });
        }
        Json next = labelled(batch.objects[i], *ref, batch);
        const auto action = action_for(key(*ref), next);
        if (on_apply_) on_apply_(next);
        objects_[key(*ref)] = std::move(next);
        applied.push_back({*ref, action, "uid-" + ref->kind + "-" + ref->name});
    }
    return applied;
}

Result<std::optional<Json>> FakeKubernetes::get(const KubernetesRef& ref) {
    if (auto fault = note("get " + ref.name)) return failure(*fault);
    auto found = objects_.find(key(ref));
    if (found == objects_.end()) return std::optional<Json>();
    return std::optional<Json>(found->second);
}

Result<std::vector<Json>> FakeKubernetes::list(const KubernetesQuery& query) {
    if (auto fault = note("list " + query.kind.kind)) return failure(*fault);
    std::vector<Json> found;
    for (const auto& [key, object] : objects_) {
        const auto& [api_version, kind, name_space, name] = key;
        if (api_version != query.kind.api_version || kind != query.kind.kind) continue;
        if (!query.name_space.empty() && name_space != query.name_space) continue;
        if (carries(object, query.labels)) found.push_back(object);
    }
    return found;
}

Result<std::vector<KubernetesRef>> FakeKubernetes::owned(const KubernetesInventory& inventory) {
    if (auto fault = note("owned " + inventory.owner.score)) return failure(*fault);
    std::map<std::string, std::string> labels{{kScoreLabel, inventory.owner.score}};
    if (!inventory.owner.part_of.empty()) labels[kPartOfLabel] = inventory.owner.part_of;
    std::vector<KubernetesRef> found;
    for (const auto& [key, object] : objects_) {
        const auto& [api_version, kind, name_space, name] = key;
        const bool asked = std::find(inventory.kinds.begin(), inventory.kinds.end(),
                                     KubernetesKind{api_version, kind}) != inventory.kinds.end();
        if (asked && carries(object, labels)) found.push_back({api_version, kind, name_space, name});
    }
    return found;
}

Result<bool> FakeKubernetes::remove(const KubernetesRemoval& removal) {
    if (auto fault = note("remove " + removal.ref.name)) return failure(*fault);
    return objects_.erase(key(removal.ref)) > 0;
}

Result<std::vector<KubernetesReady>> FakeKubernetes::wait(const KubernetesRollout& rollout) {
    if (auto fault = note("wait")) return failure(*fault);
    std::vector<KubernetesReady> ready;
    for (const auto& ref : rollout.objects) {
        if (auto found = stuck_.find(ref.name); found != stuck_.end()) {
            return failure(std::string(kNotRolledOut), found->second);
        }
        if (!objects_.contains(key(ref))) {
            return failure(std::string(kNotRolledOut), ref.kind + " " + ref.name + " does not exist");
        }
        ready.push_back({ref, "ready"});
    }
    return ready;
}

Result<bool> FakeKubernetes::ensure_namespace(const std::string& name, int /*timeout_s*/) {
    if (auto fault = note("ensure_namespace " + name)) return failure(*fault);
    const KubernetesRef ref{.api_version = "v1", .kind = "Namespace", .name = name};
    return objects_.try_emplace(key(ref), Json::object({{"kind", "Namespace"}})).second;
}

Result<KubernetesAddress> FakeKubernetes::reach(const KubernetesServicePort& service) {
    if (auto fault = note("reach " + service.service + " " + service.port)) return failure(*fault);
    auto found = exposed_.find({service.service, service.port});
    if (found != exposed_.end()) return found->second;
    return failure("kubernetes.unreachable-service",
                   "no address of the Service " + service.service + " accepts connections");
}

void FakeKubernetes::put(Json object) {
    if (auto ref = ref_of(object, 0)) {
        object["metadata"]["namespace"] = ref->name_space;
        objects_[key(*ref)] = std::move(object);
    }
}

void FakeKubernetes::expose(const std::string& service, const std::string& port, KubernetesAddress address) {
    exposed_[{service, port}] = std::move(address);
}

}  // namespace harmony::plugin::testing
