#include "cluster_check.hpp"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "harmony/contracts/resource_definitions.hpp"
#include "harmony/contracts/resources.hpp"

namespace harmony::op {

namespace kubernetes = runtime::kubernetes;
using kubernetes::Failure;
using kubernetes::Reason;
using Json = nlohmann::json;
using Verdict = ClusterCheck::Verdict;

namespace {

kubernetes::CallLimits check_limits() {
    kubernetes::CallLimits limits;
    limits.deadline = std::chrono::milliseconds(5'000);
    limits.attempts = 2;
    return limits;
}

bool is_away(const Failure& failure) {
    switch (failure.reason) {
        case Reason::Unreachable:
        case Reason::Unavailable:
        case Reason::Timeout:
        case Reason::Cancelled:
        case Reason::Malformed:
            return true;
        default:
            return false;
    }
}

void add_line(std::string& text, const std::string& line) {
    if (!text.empty()) text += "; ";
    text += line;
}

void fail_with(ClusterCheck& check, const Failure& failure) {
    check.verdict = is_away(failure) ? Verdict::Away : Verdict::Refused;
    add_line(check.text, failure.text());
}

void refuse(ClusterCheck& check, const std::string& text) {
    check.verdict = Verdict::Refused;
    add_line(check.text, text);
}

// False: the server is away.
bool check_definition(kubernetes::KubernetesClient& client, const Json& ours, ClusterCheck& check) {
    const std::string name = ours.at("metadata").at("name");
    const kubernetes::ResourceType type{"apiextensions.k8s.io", "v1", "customresourcedefinitions",
                                        "CustomResourceDefinition", false};
    const auto installed = client.get({type, "", name}, check_limits());
    if (!installed && installed.error().reason == Reason::NotFound) {
        refuse(check, "CustomResourceDefinition " + name +
                          " is missing: apply FleetOperatorScore, or the definitions of its chart");
        return true;
    }
    // Whoever may not read definitions is told of a missing one by the first list.
    if (!installed && installed.error().reason == Reason::Forbidden) {
        add_line(check.warnings, installed.error().text());
        return true;
    }
    if (!installed) {
        fail_with(check, installed.error());
        return check.verdict != Verdict::Away;
    }
    const auto compared = contracts::compare_definition(ours, *installed);
    if (compared.match == contracts::DefinitionMatch::Foreign) {
        refuse(check, compared.reason);
    } else if (compared.match != contracts::DefinitionMatch::Same) {
        add_line(check.warnings, compared.reason);
    }
    return true;
}

std::string text_of(const Permission& permission, const std::string& name_space) {
    return permission.verb + " " + permission.resource +
           (permission.group.empty() ? "" : "." + permission.group) +
           (permission.in_namespace ? " in namespace " + name_space : " in the cluster");
}

Json review_of(const Permission& permission, const std::string& name_space) {
    const auto slash = permission.resource.find('/');
    Json attributes{{"verb", permission.verb},
                    {"group", permission.group},
                    {"resource", permission.resource.substr(0, slash)}};
    if (slash != std::string::npos) attributes["subresource"] = permission.resource.substr(slash + 1);
    if (permission.in_namespace) attributes["namespace"] = name_space;
    return {{"apiVersion", "authorization.k8s.io/v1"},
            {"kind", "SelfSubjectAccessReview"},
            {"spec", {{"resourceAttributes", std::move(attributes)}}}};
}

void check_permissions(kubernetes::KubernetesClient& client, const std::string& name_space, bool with_devices,
                       ClusterCheck& check) {
    const kubernetes::ResourceType type{"authorization.k8s.io", "v1", "selfsubjectaccessreviews",
                                        "SelfSubjectAccessReview", false};
    std::string missing;
    for (const Permission& permission : needed_permissions(with_devices)) {
        const auto review =
            client.create({type, "", ""}, review_of(permission, name_space), {}, check_limits());
        if (!review && is_away(review.error())) return fail_with(check, review.error());
        if (!review) return add_line(check.warnings, review.error().text());
        const Json status = review->value("status", Json::object());
        if (!status.is_object() || status.value("allowed", Json(false)) != Json(true))
            missing += (missing.empty() ? "" : ", ") + text_of(permission, name_space);
    }
    if (!missing.empty())
        refuse(check, "permissions are missing: " + missing +
                          "; bind the operator's account to the roles of FleetOperatorScore");
}

}  // namespace

std::vector<Permission> needed_permissions(bool with_devices) {
    std::vector<Permission> result;
    const auto add = [&](const char* group, const char* resource, std::initializer_list<const char*> verbs,
                         bool in_namespace = true) {
        for (const char* verb : verbs)
            result.push_back({group, resource, verb, in_namespace});
    };
    const std::string fleet(contracts::kApiGroup);
    add(fleet.c_str(), "deployments", {"get", "list", "watch", "create", "patch", "delete"});
    add(fleet.c_str(), "deployments/status", {"patch"});
    add("", "configmaps", {"get", "list", "watch", "create", "update", "delete"});
    add("", "events", {"get", "create", "patch"});
    add("coordination.k8s.io", "leases", {"get", "create", "update"});
    if (!with_devices) return result;
    add(fleet.c_str(), "devices", {"get", "list", "watch", "patch", "create", "delete"}, false);
    add(fleet.c_str(), "devices/status", {"patch"}, false);
    return result;
}

ClusterCheck check_cluster(kubernetes::KubernetesClient& client, const std::string& name_space,
                           bool with_devices) {
    ClusterCheck check;
    if (!check_definition(client, contracts::deployment_definition(), check)) return check;
    if (with_devices && !check_definition(client, contracts::device_definition(), check)) return check;
    check_permissions(client, name_space, with_devices, check);
    return check;
}

}  // namespace harmony::op
