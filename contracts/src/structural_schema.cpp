#include "structural_schema.hpp"

#include <utility>

namespace harmony::contracts::structural {

namespace {

Json typed(std::string_view type, std::string_view description) {
    Json schema = Json::object();
    schema["type"] = type;
    schema["description"] = description;
    return schema;
}

}  // namespace

Json object(std::string_view description, const std::vector<Member>& members) {
    Json schema = typed("object", description);
    for (const auto& member : members) {
        schema["properties"][std::string(member.name)] = member.schema;
        if (member.presence == Presence::Required) schema["required"].push_back(member.name);
    }
    return schema;
}

Json map_of(std::string_view description, Json value, std::size_t max_entries) {
    Json schema = typed("object", description);
    schema["additionalProperties"] = std::move(value);
    schema["maxProperties"] = max_entries;
    return schema;
}

Json list_of(std::string_view description, Json item, std::size_t max_items, std::size_t min_items) {
    Json schema = typed("array", description);
    schema["items"] = std::move(item);
    schema["maxItems"] = max_items;
    if (min_items > 0) schema["minItems"] = min_items;
    return schema;
}

Json list_by(std::string_view key, std::string_view description, Json item, std::size_t max_items,
             std::size_t min_items) {
    Json schema = list_of(description, std::move(item), max_items, min_items);
    schema["x-kubernetes-list-type"] = "map";
    schema["x-kubernetes-list-map-keys"] = Json::array({key});
    return schema;
}

Json text(std::string_view description, std::size_t max_length, std::size_t min_length) {
    Json schema = typed("string", description);
    schema["maxLength"] = max_length;
    if (min_length > 0) schema["minLength"] = min_length;
    return schema;
}

Json text_like(std::string_view description, std::string_view pattern, std::size_t max_length) {
    Json schema = text(description, max_length);
    schema["pattern"] = pattern;
    return schema;
}

Json one_of(std::string_view description, const std::vector<std::string_view>& values) {
    Json schema = typed("string", description);
    schema["enum"] = values;
    return schema;
}

Json time(std::string_view description) {
    Json schema = typed("string", description);
    schema["format"] = "date-time";
    return schema;
}

Json boolean(std::string_view description) {
    return typed("boolean", description);
}

Json whole_number(std::string_view description, std::int64_t min) {
    Json schema = typed("integer", description);
    schema["format"] = "int64";
    schema["minimum"] = min;
    return schema;
}

Json whole_number(std::string_view description, std::int64_t min, std::int64_t max) {
    Json schema = whole_number(description, min);
    schema["maximum"] = max;
    return schema;
}

Json count_or_percent(std::string_view description, std::int64_t min, std::int64_t max) {
    Json schema = Json::object();
    schema["description"] = description;
    schema["x-kubernetes-int-or-string"] = true;
    for (const std::string_view type : {"integer", "string"})
        schema["anyOf"].push_back(Json{{"type", type}});
    schema["minimum"] = min;
    schema["maximum"] = max;
    schema["pattern"] = min > 0 ? "^(100|[1-9][0-9]?|0[1-9])%$" : "^(100|[0-9]{1,2})%$";
    return schema;
}

Json nullable(Json schema) {
    schema["nullable"] = true;
    return schema;
}

}  // namespace harmony::contracts::structural
