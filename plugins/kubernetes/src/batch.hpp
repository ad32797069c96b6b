// The objects of a request, checked, labelled and in the order of apply.
#pragma once

#include <harmony/capability/kubernetes.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cluster_session.hpp"

namespace harmony::cluster {

struct Desired {
    json object;
    plugin::KubernetesRef ref;
    // Nothing while its definition is only among the objects of the same batch.
    std::optional<api::ObjectRef> target;
};

struct Batch {
    std::vector<Desired> objects;
    std::set<std::string> namespaces;  // that it creates
};

// Asks the server for the kinds, and nothing else. The diagnostic's path names the object at fault.
[[nodiscard]] plugin::Result<Batch> read_batch(ClusterSession& session, const plugin::KubernetesBatch& given);

// `Deployment web in namespace shop`
[[nodiscard]] std::string describe(const plugin::KubernetesRef& ref);
[[nodiscard]] plugin::KubernetesRef ref_of(const json& object);

}  // namespace harmony::cluster
