// Names of things in the API, and the paths they have.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harmony/kubernetes/failure.hpp"

namespace harmony::runtime::kubernetes {

struct ResourceType {
    std::string group;  // empty: the core group
    std::string version;
    std::string plural;
    std::string kind;
    bool namespaced = true;

    [[nodiscard]] std::string api_version() const { return group.empty() ? version : group + "/" + version; }
    // As roles name it: `deployments.apps`, `pods`.
    [[nodiscard]] std::string qualified() const { return group.empty() ? plural : plural + "." + group; }
};

struct ObjectRef {
    ResourceType type;
    std::string name_space;  // empty where the type is not namespaced
    std::string name;
};

// Configuration: a part that is empty or can't be a segment of a path, a namespace missing or too much.
// An empty name_space of a namespaced type means all namespaces, and is allowed for reading collections only.
[[nodiscard]] Answer<std::string> collection_path(const ResourceType& type, std::string_view name_space);
[[nodiscard]] Answer<std::string> object_path(const ObjectRef& ref, std::string_view subresource = {});

// `key=value&…`, percent-encoded; pairs with an empty value are left out. Empty, or beginning with `?`.
[[nodiscard]] std::string query(const std::vector<std::pair<std::string_view, std::string>>& pairs);

}  // namespace harmony::runtime::kubernetes
