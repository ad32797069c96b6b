#include "harmony/operator/cluster_objects.hpp"

#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "harmony/contracts/canonical_json.hpp"
#include "harmony/contracts/labels.hpp"

namespace harmony::op {

using Json = nlohmann::json;

namespace {

constexpr const char* kOwnerLabel = "fleet.nationtech.io/rollout";
constexpr const char* kManagedByLabel = "app.kubernetes.io/managed-by";
constexpr const char* kHeaderKey = "rollout";
constexpr const char* kPartKey = "part";
constexpr const char* kPartNameAnnotation = "fleet.nationtech.io/part";
// kubectl's copy of the whole document.
constexpr std::string_view kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";
constexpr std::size_t kMaxAnnotationBytes = 4 * 1024;

std::string text_of(const Json& object, const char* key) {
    if (!object.is_object()) return {};
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const Json& member(const Json& object, const char* key) {
    static const Json kNone;
    if (!object.is_object()) return kNone;
    const auto found = object.find(key);
    return found == object.end() ? kNone : *found;
}

std::uint64_t to_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size() ? number : 0;
}

std::optional<contracts::Timestamp> time_of(const Json& metadata, const char* key) {
    const std::string text = text_of(metadata, key);
    if (text.empty()) return std::nullopt;
    const auto parsed = contracts::Timestamp::parse(text);
    return parsed ? std::optional(*parsed) : std::nullopt;
}

void read_texts(const Json& object, std::size_t most, std::map<std::string, std::string>& out) {
    if (!object.is_object()) return;
    for (const auto& [key, value] : object.items()) {
        if (out.size() == most) return;
        if (!value.is_string() || key == kLastApplied || !contracts::check_label_key("", key)) continue;
        const auto& text = value.get_ref<const std::string&>();
        if (text.size() <= kMaxAnnotationBytes) out.emplace(key, text);
    }
}

void read_metadata(const Json& metadata, SeenDeployment& seen) {
    contracts::ObjectMeta& meta = seen.metadata;
    meta.name = text_of(metadata, "name");
    meta.uid = text_of(metadata, "uid");
    meta.name_space = text_of(metadata, "namespace");
    meta.resource_version = text_of(metadata, "resourceVersion");
    seen.version = to_number(*meta.resource_version);
    const Json& generation = member(metadata, "generation");
    if (generation.is_number_integer()) meta.generation = generation.get<std::int64_t>();
    meta.creation_timestamp = time_of(metadata, "creationTimestamp");
    meta.deletion_timestamp = time_of(metadata, "deletionTimestamp");
    read_texts(member(metadata, "labels"), contracts::kMaxLabels, meta.labels);
    read_texts(member(metadata, "annotations"), contracts::kMaxAnnotations, meta.annotations);
    const Json& finalizers = member(metadata, "finalizers");
    if (!finalizers.is_array()) return;
    for (const Json& entry : finalizers) {
        if (!entry.is_string()) continue;
        const auto name = entry.get<std::string>();
        seen.held = seen.held || name == contracts::kFinalizer;
        if (name != contracts::kFinalizer) seen.other_finalizers.push_back(name);
        if (meta.finalizers.size() < contracts::kMaxFinalizers) meta.finalizers.push_back(name);
    }
}

// An API server of 1.20 takes an empty text of a custom resource for null, and refuses it then.
void fill_empty_texts(Json& value) {
    if (value.is_string() && value.get_ref<const std::string&>().empty()) value = "none given";
    if (!value.is_structured()) return;
    for (Json& part : value)
        fill_empty_texts(part);
}

}  // namespace

runtime::kubernetes::ResourceType deployment_type() {
    return {std::string(contracts::kApiGroup), "v1alpha1", "deployments",
            std::string(contracts::kDeploymentKind), true};
}

runtime::kubernetes::ResourceType config_map_type() {
    return {"", "v1", "configmaps", "ConfigMap", true};
}

contracts::Deployment SeenDeployment::document(const contracts::DeploymentSpec& instead) const {
    contracts::Deployment result;
    result.metadata = metadata;
    result.spec = spec.value_or(instead);
    return result;
}

std::optional<SeenDeployment> read_deployment(const Json& object) {
    SeenDeployment seen;
    read_metadata(member(object, "metadata"), seen);
    if (seen.metadata.name.empty() || seen.metadata.uid->empty()) return std::nullopt;
    if (const auto name = contracts::DeploymentName::parse(seen.metadata.name); !name) {
        seen.problem = "metadata.name: " + name.error().text();
        return seen;
    }
    const Json bare{{"apiVersion", contracts::kApiVersion},
                    {"kind", contracts::kDeploymentKind},
                    {"metadata", {{"name", seen.metadata.name}}},
                    {"spec", member(object, "spec")}};
    auto decoded = contracts::Deployment::decode(bare.dump(-1, ' ', false, Json::error_handler_t::replace));
    if (decoded) {
        seen.spec = std::move(decoded->spec);
    } else {
        seen.problem = decoded.error().text();
    }
    const Json& status = member(object, "status");
    if (!status.is_object()) return seen;
    // Somebody may have written anything there.
    const Json only_status{
        {"apiVersion", contracts::kApiVersion},
        {"kind", contracts::kDeploymentKind},
        {"metadata", {{"name", "status"}}},
        {"spec",
         {{"targetSelector", Json::object()},
          {"score",
           {{"type", "PodmanV0"}, {"data", {{"services", {{{"name", "none"}, {"image", "none"}}}}}}}}}},
        {"status", status}};
    seen.status_hash = status_hash(status.dump(-1, ' ', false, Json::error_handler_t::replace));
    auto read =
        contracts::Deployment::decode(only_status.dump(-1, ' ', false, Json::error_handler_t::replace));
    if (read) seen.status = std::move(read->status);
    return seen;
}

std::string status_text(const contracts::DeploymentStatus& status) {
    contracts::Deployment holder;
    holder.metadata.name = "status";
    holder.status = status;
    Json document = Json::parse(holder.encode()).at("status");
    fill_empty_texts(document);
    return document.dump();
}

std::uint64_t status_hash(std::string_view text) {
    return contracts::fnv1a64(text);
}

std::string rollout_selector() {
    return std::string(kManagedByLabel) + "=" + std::string(kFieldManager) + "," + kOwnerLabel;
}

std::optional<SeenRollout> read_rollout_object(const Json& object) {
    const Json& metadata = member(object, "metadata");
    SeenRollout seen;
    seen.uid = text_of(member(metadata, "labels"), kOwnerLabel);
    if (seen.uid.empty()) return std::nullopt;
    seen.part = text_of(member(metadata, "annotations"), kPartNameAnnotation);
    seen.resource_version = text_of(metadata, "resourceVersion");
    seen.version = to_number(seen.resource_version);
    if (text_of(metadata, "name") != rollout_object_name(seen.uid, seen.part)) return std::nullopt;
    seen.text = text_of(member(object, "data"), seen.part.empty() ? kHeaderKey : kPartKey);
    return seen;
}

std::string rollout_object_name(const std::string& uid, const std::string& part) {
    return "harmony-rollout-" + uid + (part.empty() ? "" : "-" + part);
}

Json rollout_object(const RolloutOwner& owner, const std::string& part, const std::string& text,
                    const std::string& resource_version) {
    Json metadata{{"name", rollout_object_name(owner.uid, part)},
                  {"namespace", owner.name_space},
                  {"labels", {{kManagedByLabel, kFieldManager}, {kOwnerLabel, owner.uid}}},
                  {"ownerReferences",
                   {{{"apiVersion", contracts::kApiVersion},
                     {"kind", contracts::kDeploymentKind},
                     {"name", owner.name},
                     {"uid", owner.uid}}}}};
    if (!part.empty()) metadata["annotations"] = {{kPartNameAnnotation, part}};
    if (!resource_version.empty()) metadata["resourceVersion"] = resource_version;
    return {{"apiVersion", "v1"},
            {"kind", "ConfigMap"},
            {"metadata", std::move(metadata)},
            {"data", {{part.empty() ? kHeaderKey : kPartKey, text}}}};
}

}  // namespace harmony::op
