// Which connections pods take and make: networking.k8s.io/v1. A cluster whose network does not know policies
// ignores them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harmony/kubernetes_manifests/core.hpp"

namespace harmony::kubernetes_manifests {

struct PolicyPort {
    std::string port;  // a number, or the name of a container's port
    Protocol protocol = Protocol::Tcp;
};

// Pods of the policy's namespace that carry the labels; of all namespaces where said so.
struct PolicyPeer {
    Labels pods{};  // empty: all
    bool all_namespaces = false;
};

struct PolicyRules {
    std::vector<PolicyPort> ports{};  // empty: every port
    std::vector<PolicyPeer> peers{};  // empty: everybody
};

struct NetworkPolicy {
    Metadata metadata;
    Labels pods{};
    // None: not limited. Empty: nothing is let through.
    std::optional<std::vector<PolicyRules>> ingress{};
    std::optional<std::vector<PolicyRules>> egress{};
};

[[nodiscard]] Json to_json(const NetworkPolicy& object);

}  // namespace harmony::kubernetes_manifests
