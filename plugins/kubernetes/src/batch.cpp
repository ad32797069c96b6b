#include "batch.hpp"

#include "apply_order.hpp"
#include "inventory.hpp"
#include "json_bridge.hpp"
#include "object_fields.hpp"

namespace harmony::cluster {
namespace {

using plugin::Result;

Result<void> check_shape(const json& object, const std::string& path) {
    const auto need = [&](std::initializer_list<const char*> field, const char* name) -> Result<void> {
        if (!text_at(object, field).empty()) return {};
        return plugin::invalid_parameter(path + "." + name, "a text that is not empty is needed");
    };
    if (auto checked = need({"apiVersion"}, "apiVersion"); !checked) return checked;
    if (auto checked = need({"kind"}, "kind"); !checked) return checked;
    if (auto checked = need({"metadata", "name"}, "metadata.name"); !checked) return checked;
    const json& labels = at(object, {"metadata", "labels"});
    if (labels.is_null() || labels.is_object()) return {};
    return plugin::invalid_parameter(path + ".metadata.labels", "an object is needed");
}

// The definition of a kind among the objects, which the server need not have yet.
const json* definition_of(const std::vector<json>& objects, const std::string& api_version,
                          const std::string& kind) {
    const std::string group = api_version.substr(0, api_version.find('/'));
    for (const json& object : objects) {
        if (text_at(object, {"kind"}) == "CustomResourceDefinition" &&
            text_at(object, {"spec", "group"}) == group && text_at(object, {"spec", "names", "kind"}) == kind)
            return &object;
    }
    return nullptr;
}

Result<Desired> resolve(ClusterSession& session, const std::vector<json>& objects, json object) {
    Desired desired;
    desired.ref = ref_of(object);
    auto target =
        session.ref(desired.ref.api_version, desired.ref.kind, desired.ref.name_space, desired.ref.name);
    if (target) {
        desired.ref.name_space = target->name_space;
        if (!target->name_space.empty()) object["metadata"]["namespace"] = target->name_space;
        desired.target = std::move(*target);
    } else if (target.error().code != "kubernetes.kind-missing" ||
               definition_of(objects, desired.ref.api_version, desired.ref.kind) == nullptr) {
        return plugin::failure(std::move(target.error()));
    }
    desired.object = std::move(object);
    return desired;
}

}  // namespace

plugin::KubernetesRef ref_of(const json& object) {
    return {.api_version = text_at(object, {"apiVersion"}),
            .kind = text_at(object, {"kind"}),
            .name_space = text_at(object, {"metadata", "namespace"}),
            .name = text_at(object, {"metadata", "name"})};
}

std::string describe(const plugin::KubernetesRef& ref) {
    std::string text = ref.kind + " " + ref.name;
    if (!ref.name_space.empty()) text += " in namespace " + ref.name_space;
    return text;
}

Result<Batch> read_batch(ClusterSession& session, const plugin::KubernetesBatch& given) {
    if (auto checked = check_owner(given.owner); !checked) return plugin::failure(checked.error());
    std::vector<json> objects;
    for (std::size_t i = 0; i < given.objects.size(); ++i) {
        objects.push_back(to_client(given.objects[i]));
        auto checked = check_shape(objects.back(), "objects[" + std::to_string(i) + "]");
        if (!checked) return plugin::failure(std::move(checked.error()));
    }
    Batch batch;
    const Labels labels = given.shared ? shared_labels() : owner_labels(session.context(), given.owner);
    for (const std::size_t i : apply_order(objects)) {
        json object = objects[i];
        for (const auto& [name, value] : labels)
            object["metadata"]["labels"][name] = value;
        auto desired = resolve(session, objects, std::move(object));
        if (!desired) {
            auto diagnostic = std::move(desired.error());
            diagnostic.path = "objects[" + std::to_string(i) + "]";
            return plugin::failure(std::move(diagnostic));
        }
        if (desired->ref.kind == "Namespace") batch.namespaces.insert(desired->ref.name);
        batch.objects.push_back(std::move(*desired));
    }
    return batch;
}

}  // namespace harmony::cluster
