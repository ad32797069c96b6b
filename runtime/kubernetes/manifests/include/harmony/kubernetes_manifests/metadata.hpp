// What every object of a cluster has. These headers hold typed structs for the kinds that Scores apply; each
// has to_json(), which writes the object as the cluster's API has it: members that are empty or at the API's
// default are left out, keys are sorted, and every element of a list has all of its keys, which server-side
// apply wants. Values only: no I/O, no validation, safe to share between threads as any value is.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace harmony::kubernetes_manifests {

using Json = nlohmann::json;
using Labels = std::map<std::string, std::string>;

inline constexpr const char* kNameLabel = "app.kubernetes.io/name";
inline constexpr const char* kComponentLabel = "app.kubernetes.io/component";
inline constexpr const char* kManagedByLabel = "app.kubernetes.io/managed-by";
inline constexpr const char* kManagedBy = "harmony";
inline constexpr const char* kContextLabel = "io.nationtech.harmony/context";
inline constexpr const char* kServiceLabel = "io.nationtech.harmony/service";

struct Metadata {
    std::string name;
    std::string name_space{};  // empty: a kind without namespaces, or the cluster's default one
    Labels labels{};
    Labels annotations{};
};

[[nodiscard]] Json to_json(const Metadata& metadata);

}  // namespace harmony::kubernetes_manifests
