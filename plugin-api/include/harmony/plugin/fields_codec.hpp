// How fields.hpp walks a described struct. Included by it; nothing here is for authors.
#pragma once

#include <harmony/plugin/fields.hpp>

namespace harmony::plugin::detail {

// Where in a document the reader is, and how strict it is there.
struct Reading {
    std::string path;
    bool sensitive = false;  // messages do not repeat what was found
    UnknownMembers unknown = UnknownMembers::Ignore;

    [[nodiscard]] Reading member(const FieldInfo& info) const;
    [[nodiscard]] Reading member(std::string_view name) const;
    [[nodiscard]] Reading item(std::size_t index) const;
};

using Failure = std::optional<Diagnostic>;

[[nodiscard]] Diagnostic wrong_type(const Reading& at, const Json& found, std::string_view expected);
[[nodiscard]] Diagnostic missing(const Reading& at, const FieldInfo& field);
[[nodiscard]] Failure reject_unknown(const Reading& at, const Json& object,
                                     const std::vector<const FieldInfo*>& known);
[[nodiscard]] Failure read_text(const Reading& at, const FieldInfo& field, const Json& json,
                                std::string& out);
[[nodiscard]] Failure read_number(const Reading& at, const FieldInfo& field, const Json& json, double& out);
[[nodiscard]] Failure read_integer(const Reading& at, const FieldInfo& field, const Json& json,
                                   std::int64_t minimum, std::int64_t maximum, std::int64_t& out);
[[nodiscard]] Failure read_choice(const Reading& at, const Json& json,
                                  const std::vector<std::string_view>& names, std::size_t& index);
[[nodiscard]] Failure check_count(const Reading& at, const FieldInfo& field, std::size_t count);

// Writes what FieldInfo knows into a member's schema.
void describe_scalar(const FieldInfo& field, Json& schema);
void describe_count(const FieldInfo& field, bool map, Json& schema);
void describe_field(const FieldInfo& field, Json& schema);

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
template <class T>
inline constexpr bool kIsVector = false;
template <class T>
inline constexpr bool kIsVector<std::vector<T>> = true;
template <class T>
inline constexpr bool kIsMap = false;
template <class T>
inline constexpr bool kIsMap<std::map<std::string, T>> = true;

template <class T>
std::vector<std::string_view> choice_names() {
    std::vector<std::string_view> names;
    for (const auto& [value, name] : enum_names(T{}))
        names.push_back(name);
    return names;
}

// The range of an integer type, cut to that of int64_t.
template <class T>
constexpr std::int64_t upper_bound() {
    return std::in_range<std::int64_t>(std::numeric_limits<T>::max())
               ? static_cast<std::int64_t>(std::numeric_limits<T>::max())
               : std::numeric_limits<std::int64_t>::max();
}

template <class T>
Json write_value(const T& value);
template <class T>
Failure read_value(const Reading& at, const FieldInfo& field, const Json& json, T& out);
template <class T>
Json value_schema(const FieldInfo& field);

template <Described T>
Json write_struct(const T& value) {
    Json json = Json::object();
    const T defaults{};
    auto write = [&](const auto& field) {
        const auto& member = value.*field.member;
        if constexpr (kIsOptional<std::remove_cvref_t<decltype(member)>>) {
            if (!member) return;
        }
        Json written = write_value(member);
        if (field.info.omit_default && written == write_value(defaults.*field.member)) return;
        json[field.info.name] = std::move(written);
    };
    std::apply([&](const auto&... field) { (write(field), ...); }, T::fields());
    return json;
}

template <class T>
Json write_value(const T& value) {
    if constexpr (kIsOptional<T>) {
        return value ? write_value(*value) : Json();
    } else if constexpr (kIsVector<T>) {
        Json::Array items;
        items.reserve(value.size());
        for (const auto& item : value)
            items.push_back(write_value(item));
        return Json(std::move(items));
    } else if constexpr (kIsMap<T>) {
        Json::Object members;
        for (const auto& [key, item] : value)
            members.emplace(key, write_value(item));
        return Json(std::move(members));
    } else if constexpr (Described<T>) {
        return write_struct(value);
    } else if constexpr (std::is_enum_v<T>) {
        for (const auto& [candidate, name] : enum_names(T{})) {
            if (candidate == value) return Json(name);
        }
        return Json();
    } else {
        return Json(value);
    }
}

template <Described T>
Failure read_struct(const Reading& at, const Json& json, T& out) {
    if (!json.is_object()) return wrong_type(at, json, "an object");
    const auto list = T::fields();
    Failure problem;
    std::vector<const FieldInfo*> known;
    auto read = [&](const auto& field) {
        known.push_back(&field.info);
        if (problem) return;
        const Json* found = json.find(field.info.name);
        if (found == nullptr) {
            if (field.info.required) problem = missing(at, field.info);
            return;
        }
        problem = read_value(at.member(field.info), field.info, *found, out.*field.member);
    };
    std::apply([&](const auto&... field) { (read(field), ...); }, list);
    if (!problem && at.unknown == UnknownMembers::Reject) problem = reject_unknown(at, json, known);
    return problem;
}

template <class T>
Failure read_items(const Reading& at, const FieldInfo& field, const Json& json, std::vector<T>& out) {
    if (!json.is_array()) return wrong_type(at, json, "an array");
    if (auto problem = check_count(at, field, json.size())) return problem;
    std::vector<T> items;
    items.reserve(json.size());
    for (const Json& item : json.items()) {
        T value{};
        if (auto problem = read_value(at.item(items.size()), field, item, value)) return problem;
        items.push_back(std::move(value));
    }
    out = std::move(items);
    return std::nullopt;
}

template <class T>
Failure read_members(const Reading& at, const FieldInfo& field, const Json& json,
                     std::map<std::string, T>& out) {
    if (!json.is_object()) return wrong_type(at, json, "an object");
    if (auto problem = check_count(at, field, json.size())) return problem;
    std::map<std::string, T> members;
    for (const auto& [key, item] : json.members()) {
        T value{};
        if (auto problem = read_value(at.member(key), field, item, value)) return problem;
        members.emplace(key, std::move(value));
    }
    out = std::move(members);
    return std::nullopt;
}

template <class T>
Failure read_value(const Reading& at, const FieldInfo& field, const Json& json, T& out) {
    if constexpr (kIsOptional<T>) {
        out.reset();
        if (json.is_null()) return std::nullopt;
        return read_value(at, field, json, out.emplace());
    } else if constexpr (kIsVector<T>) {
        return read_items(at, field, json, out);
    } else if constexpr (kIsMap<T>) {
        return read_members(at, field, json, out);
    } else if constexpr (Described<T>) {
        return read_struct(at, json, out);
    } else if constexpr (std::is_same_v<T, Json>) {
        out = json;
        return std::nullopt;
    } else if constexpr (std::is_same_v<T, std::string>) {
        return read_text(at, field, json, out);
    } else if constexpr (std::is_same_v<T, bool>) {
        if (json.if_bool() == nullptr) return wrong_type(at, json, "true or false");
        out = *json.if_bool();
        return std::nullopt;
    } else if constexpr (std::is_integral_v<T>) {
        std::int64_t value = 0;
        auto problem = read_integer(at, field, json, std::int64_t{std::numeric_limits<T>::min()},
                                    upper_bound<T>(), value);
        if (!problem) out = static_cast<T>(value);
        return problem;
    } else if constexpr (std::is_enum_v<T>) {
        std::size_t index = 0;
        auto problem = read_choice(at, json, choice_names<T>(), index);
        if (!problem) out = enum_names(T{})[index].first;
        return problem;
    } else {
        static_assert(std::is_same_v<T, double>, "this type cannot be a described member (see fields.hpp)");
        return read_number(at, field, json, out);
    }
}

template <Described T>
Json struct_schema() {
    Json schema = Json::object({{"type", "object"}, {"additionalProperties", false}});
    Json properties = Json::object();
    Json required = Json::array();
    const T defaults{};
    auto add = [&](const auto& field) {
        using Member = std::remove_cvref_t<decltype(defaults.*field.member)>;
        Json property = value_schema<Member>(field.info);
        if (field.info.required) {
            required.push_back(field.info.name);
        } else if (!field.info.sensitive && !Described<Member>) {
            Json value = write_value(defaults.*field.member);
            if (!value.is_null()) property["default"] = std::move(value);
        }
        describe_field(field.info, property);
        properties[field.info.name] = std::move(property);
    };
    std::apply([&](const auto&... field) { (add(field), ...); }, T::fields());
    schema["properties"] = std::move(properties);
    if (!required.empty()) schema["required"] = std::move(required);
    return schema;
}

template <class T>
Json value_schema(const FieldInfo& field) {
    if constexpr (kIsOptional<T>) {
        return value_schema<typename T::value_type>(field);
    } else if constexpr (kIsVector<T>) {
        Json schema =
            Json::object({{"type", "array"}, {"items", value_schema<typename T::value_type>(field)}});
        describe_count(field, false, schema);
        return schema;
    } else if constexpr (kIsMap<T>) {
        Json schema = Json::object(
            {{"type", "object"}, {"additionalProperties", value_schema<typename T::mapped_type>(field)}});
        describe_count(field, true, schema);
        return schema;
    } else if constexpr (Described<T>) {
        return struct_schema<T>();
    } else if constexpr (std::is_same_v<T, Json>) {
        return Json::object();
    } else if constexpr (std::is_enum_v<T>) {
        Json names = Json::array();
        for (auto name : choice_names<T>())
            names.push_back(Json(name));
        return Json::object({{"type", "string"}, {"enum", std::move(names)}});
    } else {
        Json schema = Json::object();
        if constexpr (std::is_same_v<T, std::string>) {
            schema["type"] = "string";
        } else if constexpr (std::is_same_v<T, bool>) {
            schema["type"] = "boolean";
        } else {
            schema["type"] = std::is_integral_v<T> ? "integer" : "number";
        }
        describe_scalar(field, schema);
        return schema;
    }
}

}  // namespace harmony::plugin::detail

namespace harmony::plugin {

template <class T>
Json schema_of() {
    return detail::value_schema<T>(FieldInfo{});
}

template <class T>
Json to_json(const T& value) {
    return detail::write_value(value);
}

template <class T>
Result<T> from_json(const Json& json, UnknownMembers unknown) {
    T value{};
    detail::Reading at;
    at.unknown = unknown;
    if (auto problem = detail::read_value(at, FieldInfo{}, json, value)) return failure(std::move(*problem));
    return value;
}

}  // namespace harmony::plugin
