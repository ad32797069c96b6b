#include "harmony/kubernetes_manifests/rbac.hpp"

#include "members.hpp"

namespace harmony::kubernetes_manifests {
namespace {

constexpr const char* kGroup = "rbac.authorization.k8s.io";
constexpr const char* kVersion = "rbac.authorization.k8s.io/v1";

Json to_json(const PolicyRule& rule) {
    Json object{{"apiGroups", rule.api_groups}, {"resources", rule.resources}, {"verbs", rule.verbs}};
    put_filled(object, "resourceNames", rule.resource_names);
    return object;
}

Json role(const char* kind, const Metadata& metadata, const std::vector<PolicyRule>& rules) {
    Json object = object_of(kVersion, kind, metadata);
    object["rules"] = Json::array();
    for (const PolicyRule& rule : rules)
        object["rules"].push_back(to_json(rule));
    return object;
}

Json binding(const char* kind, const Metadata& metadata, const char* role_kind, const std::string& role_name,
             const std::vector<ServiceAccountRef>& accounts) {
    Json object = object_of(kVersion, kind, metadata);
    object["roleRef"] = {{"apiGroup", kGroup}, {"kind", role_kind}, {"name", role_name}};
    object["subjects"] = Json::array();
    for (const auto& account : accounts) {
        object["subjects"].push_back(
            {{"kind", "ServiceAccount"}, {"name", account.name}, {"namespace", account.name_space}});
    }
    return object;
}

}  // namespace

Json to_json(const Role& object) {
    return role("Role", object.metadata, object.rules);
}

Json to_json(const ClusterRole& object) {
    return role("ClusterRole", object.metadata, object.rules);
}

Json to_json(const RoleBinding& object) {
    return binding("RoleBinding", object.metadata, "Role", object.role, object.accounts);
}

Json to_json(const ClusterRoleBinding& object) {
    return binding("ClusterRoleBinding", object.metadata, "ClusterRole", object.cluster_role,
                   object.accounts);
}

}  // namespace harmony::kubernetes_manifests
