// What differs between an object as it is and as it would be, for people.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace harmony::cluster {

using nlohmann::json;

struct FieldDifference {
    std::string path;  // spec.template.spec.containers[web].image
    std::optional<json> before;
    std::optional<json> after;
    bool sensitive = false;  // of a Secret: then both are absent

    friend bool operator==(const FieldDifference&, const FieldDifference&) = default;
};

// `merged` is what the server says that `live` would become by applying `desired`. Left out: what the server
// keeps for itself (status, resource version, managed fields) and what it adds that nobody asked for.
[[nodiscard]] std::vector<FieldDifference> object_diff(const json& live, const json& merged,
                                                       const json& desired);
// Of an object that is not there yet: everything that is desired.
[[nodiscard]] std::vector<FieldDifference> creation_diff(const json& desired);

}  // namespace harmony::cluster
