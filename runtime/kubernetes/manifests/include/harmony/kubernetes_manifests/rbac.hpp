// Who may do what: rbac.authorization.k8s.io/v1.
#pragma once

#include <string>
#include <vector>

#include "harmony/kubernetes_manifests/metadata.hpp"

namespace harmony::kubernetes_manifests {

struct PolicyRule {
    std::vector<std::string> api_groups;  // "" is the group v1
    std::vector<std::string> resources;
    std::vector<std::string> verbs;
    std::vector<std::string> resource_names{};  // empty: all of them
};

struct Role {
    Metadata metadata;
    std::vector<PolicyRule> rules{};
};

struct ClusterRole {
    Metadata metadata;
    std::vector<PolicyRule> rules{};
};

struct ServiceAccountRef {
    std::string name;
    std::string name_space;
};

struct RoleBinding {
    Metadata metadata;
    std::string role;
    std::vector<ServiceAccountRef> accounts{};
};

struct ClusterRoleBinding {
    Metadata metadata;
    std::string cluster_role;
    std::vector<ServiceAccountRef> accounts{};
};

[[nodiscard]] Json to_json(const Role& object);
[[nodiscard]] Json to_json(const ClusterRole& object);
[[nodiscard]] Json to_json(const RoleBinding& object);
[[nodiscard]] Json to_json(const ClusterRoleBinding& object);

}  // namespace harmony::kubernetes_manifests
