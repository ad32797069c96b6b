// Reading the fields of objects that came from a cluster: a field that is absent or of another type reads as
// nothing, since nothing of it can be relied on.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>

namespace harmony::cluster {

using nlohmann::json;

// A null value when a part of the way is missing.
[[nodiscard]] inline const json& at(const json& object, std::initializer_list<const char*> path) {
    static const json nothing;
    const json* value = &object;
    for (const char* name : path) {
        if (!value->is_object()) return nothing;
        const auto found = value->find(name);
        if (found == value->end()) return nothing;
        value = &*found;
    }
    return *value;
}

[[nodiscard]] inline std::string text_at(const json& object, std::initializer_list<const char*> path) {
    const json& value = at(object, path);
    return value.is_string() ? value.get<std::string>() : std::string();
}

[[nodiscard]] inline std::int64_t number_at(const json& object, std::initializer_list<const char*> path,
                                            std::int64_t fallback = 0) {
    const json& value = at(object, path);
    return value.is_number_integer() ? value.get<std::int64_t>() : fallback;
}

}  // namespace harmony::cluster
