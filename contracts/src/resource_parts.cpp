// What both resources have: type, metadata and conditions.
#include "codecs.hpp"

namespace harmony::contracts {

namespace {

constexpr std::size_t kMaxUidBytes = 64;
constexpr std::size_t kMaxResourceVersionBytes = 64;
constexpr std::size_t kMaxAnnotationBytes = 16 * 1024;

constexpr EnumNames<ConditionStatus, 3> kConditionStatuses{{{ConditionStatus::True, "True"},
                                                            {ConditionStatus::False, "False"},
                                                            {ConditionStatus::Unknown, "Unknown"}}};

void read_namespace(const Field& field, std::optional<std::string>& out) {
    field.text(out, 1, kMaxNamespaceBytes);
    if (field.present() && !check_name(field.path(), *out, kMaxNamespaceBytes)) {
        field.reject(
            "1 to 63 lower-case letters, digits and '-', beginning and ending with a letter or digit");
    }
}

void read_annotations(const Field& field, std::map<std::string, std::string>& out) {
    field.members(kMaxAnnotations, [&](const std::string& key, const Field& entry) {
        if (!check_label_key("", key))
            return entry.reject_because("expected a key of the form [<DNS name>/]<name>");
        entry.text(out[key], 0, kMaxAnnotationBytes);
    });
}

void read_condition(const Field& field, Condition& out) {
    if (!field.object()) return;
    field.required("type").text(out.type, 1, kMaxConditionTextBytes);
    field.required("status").enumeration(out.status, kConditionStatuses);
    field.optional("reason").text(out.reason, 0, kMaxConditionTextBytes);
    field.optional("message").text(out.message, 0, kMaxConditionMessageBytes);
    field.required("lastTransitionTime").timestamp(out.last_transition_time);
}

}  // namespace

std::string_view to_string(ConditionStatus status) {
    return name_of(kConditionStatuses, status);
}

void require_type(const Field& document, std::string_view kind) {
    const auto require = [&](std::string_view key, std::string_view expected) {
        const auto field = document.required(key);
        std::string found;
        field.text(found, 1, kMaxNameBytes);
        if (field.present() && found != expected) field.reject(expected);
    };
    require("apiVersion", kApiVersion);
    require("kind", kind);
}

void read_metadata(const Field& field, ObjectMeta& out) {
    if (!field.object()) return;
    field.required("name").text(out.name, 1, kMaxNameBytes);
    read_namespace(field.optional("namespace"), out.name_space);
    field.optional("uid").text(out.uid, 1, kMaxUidBytes);
    field.optional("labels").labels(out.labels);
    read_annotations(field.optional("annotations"), out.annotations);
    field.optional("generation").integer(out.generation, 0, INT64_MAX);
    field.optional("resourceVersion").text(out.resource_version, 1, kMaxResourceVersionBytes);
    field.optional("creationTimestamp").timestamp(out.creation_timestamp);
    field.optional("deletionTimestamp").timestamp(out.deletion_timestamp);
    field.optional("finalizers").texts(out.finalizers, kMaxFinalizers, kMaxNameBytes);
}

Json write_metadata(const ObjectMeta& metadata) {
    Json result{{"name", metadata.name}};
    if (metadata.name_space) result["namespace"] = *metadata.name_space;
    if (metadata.uid) result["uid"] = *metadata.uid;
    if (!metadata.labels.empty()) result["labels"] = metadata.labels;
    if (!metadata.annotations.empty()) result["annotations"] = metadata.annotations;
    if (metadata.generation != 0) result["generation"] = metadata.generation;
    if (metadata.resource_version) result["resourceVersion"] = *metadata.resource_version;
    if (metadata.creation_timestamp) result["creationTimestamp"] = metadata.creation_timestamp->format();
    if (metadata.deletion_timestamp) result["deletionTimestamp"] = metadata.deletion_timestamp->format();
    if (!metadata.finalizers.empty()) result["finalizers"] = metadata.finalizers;
    return result;
}

void read_conditions(const Field& field, std::vector<Condition>& out) {
    field.items(kMaxConditions, [&](const Field& entry) { read_condition(entry, out.emplace_back()); });
}

Json write_conditions(const std::vector<Condition>& conditions) {
    Json result = Json::array();
    for (const auto& condition : conditions) {
        result.push_back({{"type", condition.type},
                          {"status", to_string(condition.status)},
                          {"reason", condition.reason},
                          {"message", shortened(condition.message, kMaxConditionMessageBytes)},
                          {"lastTransitionTime", condition.last_transition_time.format()}});
    }
    return result;
}

}  // namespace harmony::contracts
