#include "cluster_storage.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "cluster_objects.hpp"

namespace harmony::fleet_nats {

using plugin::failure;
using plugin::Json;
using plugin::Result;

namespace {

constexpr const char* kDefaultClass = "storageclass.kubernetes.io/is-default-class";

Storage volume(const std::string& of, std::string storage_class = {}) {
    return {true, std::string("JetStream's data is in PersistentVolumeClaim ") + kDataClaim + of,
            std::move(storage_class)};
}

std::string name_of(const Json& object) {
    return object["metadata"]["name"].string_or("");
}

Result<Storage> of_class(const std::string& wanted, const std::vector<Json>& classes) {
    std::string known;
    for (const Json& each : classes) {
        if (name_of(each) == wanted) return volume(" of class " + wanted, wanted);
        known += (known.empty() ? "" : ", ") + name_of(each);
    }
    return plugin::invalid_parameter(
        "storage_class",
        "storage_class: found " + wanted + ", expected " +
            (known.empty() ? "none: the cluster has no StorageClass" : "one of the cluster's: " + known));
}

}  // namespace

Result<Storage> find_storage(plugin::Kubernetes& cluster, const NatsParameters& parameters) {
    const auto claim = cluster.get({.api_version = data_kind().api_version,
                                    .kind = data_kind().kind,
                                    .name_space = parameters.name_space,
                                    .name = kDataClaim});
    if (!claim) return failure(claim.error());
    // A claim keeps the class with which it was made.
    if (*claim) return volume("", (**claim)["spec"]["storageClassName"].string_or(""));
    const auto classes =
        cluster.list({.kind = {"storage.k8s.io/v1", "StorageClass"}, .name_space = {}, .labels = {}});
    const bool forbidden = !classes && classes.error().code == "kubernetes.forbidden";
    if (!classes && !forbidden) return failure(classes.error());
    if (!parameters.storage_class.empty()) {
        // Who may not look is told by the pod when there is none of that name.
        if (forbidden) return volume(" of class " + parameters.storage_class, parameters.storage_class);
        return of_class(parameters.storage_class, *classes);
    }
    const std::string ends = "JetStream's data ends with the pod: ";
    if (forbidden) return Storage{.told = ends + "whether the cluster has volumes may not be looked at"};
    const bool has_default = std::any_of(classes->begin(), classes->end(), [](const Json& each) {
        return each["metadata"]["annotations"][kDefaultClass] == Json("true");
    });
    if (has_default) return volume(" of the cluster's default class");
    return Storage{.told = ends + "the cluster has no default StorageClass"};
}

}  // namespace harmony::fleet_nats
