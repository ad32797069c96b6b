#include "definition_parts.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "harmony/contracts/resource_definitions.hpp"
#include "harmony/contracts/resources.hpp"
#include "limits.hpp"

namespace harmony::contracts {

namespace {

using structural::Json;
using structural::Member;
using structural::Presence;

// All that a definition may say of metadata is how an object may be called.
Json metadata_schema() {
    Json name = Json::object();
    name["type"] = "string";
    name["pattern"] = kNamePattern;
    name["maxLength"] = kMaxNameBytes;
    Json schema = Json::object();
    schema["type"] = "object";
    schema["properties"]["name"] = std::move(name);
    return schema;
}

Json column_json(const PrinterColumn& column) {
    Json result = Json::object();
    result["name"] = column.name;
    result["type"] = column.type;
    result["jsonPath"] = column.path;
    result["description"] = column.description;
    if (column.wide) result["priority"] = 1;
    return result;
}

Json names_json(const DefinitionNames& names) {
    Json result = Json::object();
    result["kind"] = names.kind;
    result["listKind"] = std::string(names.kind) + "List";
    result["plural"] = names.plural;
    result["singular"] = names.singular;
    result["shortNames"] = Json::array({names.short_name});
    result["categories"] = Json::array({"fleet"});
    return result;
}

}  // namespace

Json make_definition(const DefinitionNames& names, std::string_view description, std::vector<Member> members,
                     const std::vector<PrinterColumn>& columns) {
    Json schema = structural::object(description, members);
    for (const char* key : {"apiVersion", "kind"})
        schema["properties"][key]["type"] = "string";
    schema["properties"]["metadata"] = metadata_schema();

    Json version = Json::object();
    version["name"] = kApiVersion.substr(kApiGroup.size() + 1);
    version["served"] = true;
    version["storage"] = true;
    version["schema"]["openAPIV3Schema"] = std::move(schema);
    version["subresources"]["status"] = Json::object();
    for (const auto& column : columns)
        version["additionalPrinterColumns"].push_back(column_json(column));

    Json result = Json::object();
    result["apiVersion"] = "apiextensions.k8s.io/v1";
    result["kind"] = "CustomResourceDefinition";
    result["metadata"]["name"] = std::string(names.plural) + "." + std::string(kApiGroup);
    result["metadata"]["annotations"][std::string(kDefinitionVersionAnnotation)] =
        std::to_string(kDefinitionVersion);
    result["spec"]["group"] = kApiGroup;
    result["spec"]["names"] = names_json(names);
    result["spec"]["scope"] = names.namespaced ? "Namespaced" : "Cluster";
    result["spec"]["versions"] = Json::array({std::move(version)});
    return result;
}

Json conditions_schema(std::string_view description) {
    const std::vector<std::string_view> statuses{to_string(ConditionStatus::True),
                                                 to_string(ConditionStatus::False),
                                                 to_string(ConditionStatus::Unknown)};
    return structural::list_by(
        "type", description,
        structural::object(
            "One aspect of the resource.",
            {{"type", structural::text("What is judged, such as Ready.", kMaxConditionTextBytes, 1),
              Presence::Required},
             {"status", structural::one_of("Whether it is so: True, False or Unknown.", statuses),
              Presence::Required},
             {"reason", structural::text("Why, in one word for programs.", kMaxConditionTextBytes)},
             {"message", structural::text("Why, in a sentence for people.", kMaxConditionMessageBytes)},
             {"lastTransitionTime", structural::time("Since when the status is what it is."),
              Presence::Required}}),
        kMaxConditions);
}

}  // namespace harmony::contracts
