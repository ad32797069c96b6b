#include "harmony/operator/device_resources_object.hpp"

#include <algorithm>
#include <charconv>

#include "harmony/contracts/canonical_json.hpp"
#include "harmony/contracts/labels.hpp"
#include "harmony/contracts/resource_definitions.hpp"
#include "harmony/operator/device_resources.hpp"

namespace harmony::op {

using contracts::Condition;
using contracts::Labels;
using Json = nlohmann::json;

namespace {

constexpr std::size_t kShownLabels = 5;

const Json* member(const Json& object, std::string_view key) {
    if (!object.is_object()) return nullptr;
    const auto found = object.find(key);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string text(const Json& object, std::string_view key) {
    const Json* found = member(object, key);
    return found != nullptr && found->is_string() ? found->get<std::string>() : std::string();
}

// Server-side apply of Kubernetes 1.20 makes null of an empty text in a custom resource, which the schema
// then refuses. Absent means the same here.
Json without_empty_texts(const Json& value) {
    const auto says_nothing = [](const Json& part) {
        return part.is_null() || (part.is_string() && part.get_ref<const std::string&>().empty());
    };
    if (!value.is_structured()) return value;
    Json result = value.is_object() ? Json::object() : Json::array();
    for (auto part = value.begin(); part != value.end(); ++part) {
        if (says_nothing(*part)) continue;
        if (value.is_object()) {
            result[part.key()] = without_empty_texts(*part);
        } else {
            result.push_back(without_empty_texts(*part));
        }
    }
    return result;
}

std::uint64_t content_hash(const Json& labels, const Json& inventory) {
    return contracts::fnv1a64(Json{{"labels", labels}, {"inventory", inventory}}.dump());
}

// Which labels the manager has applied, as the server notes it: {"f:metadata":{"f:labels":{"f:site":{}}}}.
bool has_applied(const Json& managed_fields, const std::string& manager, const std::string& label) {
    for (const Json& entry : managed_fields) {
        if (text(entry, "manager") != manager || text(entry, "operation") != "Apply") continue;
        const Json* fields = member(entry, "fieldsV1");
        for (const std::string_view key : {"f:metadata", "f:labels"})
            fields = fields == nullptr ? nullptr : member(*fields, key);
        if (fields != nullptr && fields->contains("f:" + label)) return true;
    }
    return false;
}

Json applied_labels(const Json& metadata, const std::string& manager) {
    Json result = Json::object();
    const Json* labels = member(metadata, "labels");
    const Json* managed = member(metadata, "managedFields");
    if (labels == nullptr || managed == nullptr || !managed->is_array()) return result;
    for (const auto& [key, value] : labels->items()) {
        if (has_applied(*managed, manager, key)) result[key] = value;
    }
    return result;
}

std::vector<std::pair<std::string_view, const Condition*>> sorted(const std::vector<Condition>& conditions) {
    std::vector<std::pair<std::string_view, const Condition*>> result;
    for (const Condition& condition : conditions)
        result.emplace_back(condition.type, &condition);
    std::sort(result.begin(), result.end());
    return result;
}

bool same_condition(const Condition& left, const Condition& right) {
    return left.type == right.type && left.status == right.status && left.reason == right.reason &&
           left.message == right.message;
}

}  // namespace

runtime::kubernetes::ResourceType device_resource_type() {
    return {std::string(contracts::kApiGroup),
            std::string(contracts::kApiVersion.substr(contracts::kApiGroup.size() + 1)),
            std::string(contracts::kDevicePlural), std::string(contracts::kDeviceKind), false};
}

std::string device_object_manager(const std::string& stack) {
    return "harmony-fleet-operator-" + stack;
}
std::string device_status_manager(const std::string& stack) {
    return "harmony-fleet-operator-status-" + stack;
}

DeviceObject make_device_object(const contracts::DeviceInfo& info, const std::string& stack) {
    DeviceObject result;
    std::size_t dropped = 0;
    const auto drop = [&](const std::string& key, std::string_view why) {
        if (++dropped > kShownLabels) return;
        result.dropped += (result.dropped.empty() ? "" : "; ") + key + ": " + std::string(why);
    };
    contracts::Device device;
    device.metadata.name = info.device_id.str();
    for (const auto& [key, value] : info.labels) {
        if (key == kStackLabel) {
            drop(key, "this label names the stack");
        } else if (auto checked = contracts::check_labels("labels", {{key, value}}); !checked) {
            drop(key, checked.error().message());
        } else if (device.metadata.labels.size() + 1 >= contracts::kMaxLabels) {
            drop(key, "there is room for " + std::to_string(contracts::kMaxLabels - 1));
        } else {
            device.metadata.labels.emplace(key, value);
        }
    }
    if (dropped > kShownLabels) result.dropped += "; and " + std::to_string(dropped - kShownLabels) + " more";
    device.metadata.labels.emplace(kStackLabel, stack);
    device.inventory = info.inventory;
    Json body = Json::parse(device.encode());
    body["spec"] = without_empty_texts(body["spec"]);
    result.hash = content_hash(body["metadata"]["labels"], body["spec"].value("inventory", Json()));
    result.body = body.dump();
    return result;
}

Json make_device_status(const contracts::DeviceId& device, const contracts::DeviceStatus& status) {
    contracts::Device written;
    written.metadata.name = device.str();
    written.status = status;
    Json body = Json::parse(written.encode());
    body.erase("spec");
    body["status"] = without_empty_texts(body["status"]);
    return body;
}

std::optional<ObservedDevice> observe_device(const Json& object, const std::string& stack) {
    const Json* metadata = member(object, "metadata");
    if (metadata == nullptr || !contracts::DeviceId::parse(text(*metadata, "name"))) return std::nullopt;
    ObservedDevice result;
    result.uid = text(*metadata, "uid");
    const std::string version = text(*metadata, "resourceVersion");
    std::from_chars(version.data(), version.data() + version.size(), result.version);
    result.deleting = member(*metadata, "deletionTimestamp") != nullptr;
    if (const Json* labels = member(*metadata, "labels")) result.stack = text(*labels, kStackLabel);
    const Json* spec = member(object, "spec");
    const Json* inventory = spec == nullptr ? nullptr : member(*spec, "inventory");
    result.hash = content_hash(applied_labels(*metadata, device_object_manager(stack)),
                               inventory == nullptr ? Json() : without_empty_texts(*inventory));
    const Json* status = member(object, "status");
    if (status == nullptr) return result;
    const Json alone{{"apiVersion", contracts::kApiVersion},
                     {"kind", contracts::kDeviceKind},
                     {"metadata", {{"name", text(*metadata, "name")}}},
                     {"spec", Json::object()},
                     {"status", *status}};
    if (auto decoded = contracts::Device::decode(alone.dump()); decoded && decoded->status)
        result.status = std::move(*decoded->status);
    return result;
}

void keep_transition_times(std::vector<Condition>& conditions, const std::vector<Condition>& before) {
    for (Condition& condition : conditions) {
        const auto same = std::find_if(before.begin(), before.end(), [&](const Condition& other) {
            return other.type == condition.type && other.status == condition.status;
        });
        if (same != before.end()) condition.last_transition_time = same->last_transition_time;
    }
}

bool same_status(const contracts::DeviceStatus& left, const contracts::DeviceStatus& right) {
    if (left.online != right.online || left.agent_version != right.agent_version ||
        left.conditions.size() != right.conditions.size())
        return false;
    const auto ours = sorted(left.conditions);
    const auto theirs = sorted(right.conditions);
    return std::equal(ours.begin(), ours.end(), theirs.begin(),
                      [](const auto& a, const auto& b) { return same_condition(*a.second, *b.second); });
}

}  // namespace harmony::op
