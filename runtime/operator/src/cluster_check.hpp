// Whether the operator can do its work on a cluster: the kinds it needs, and what it must be allowed to do.
#pragma once

#include <string>
#include <vector>

#include "harmony/kubernetes/client.hpp"
#include "harmony/result.hpp"

namespace harmony::op {

struct Permission {
    std::string group;
    std::string resource;  // `deployments`, `deployments/status`
    std::string verb;
    bool in_namespace = true;  // else in the whole cluster
};
// Least privilege: exactly what the operator asks for.
[[nodiscard]] std::vector<Permission> needed_permissions(bool with_devices);

struct ClusterCheck {
    enum class Verdict {
        Good,
        Away,     // no answer: try again
        Refused,  // somebody has to do something first
    };
    Verdict verdict = Verdict::Good;
    std::string text;      // why; every problem
    std::string warnings;  // although it goes on
};
[[nodiscard]] ClusterCheck check_cluster(runtime::kubernetes::KubernetesClient& client,
                                         const std::string& name_space, bool with_devices);

}  // namespace harmony::op
