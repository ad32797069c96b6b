#include "harmony/fleet_access/cluster_nats.hpp"

#include "harmony/kubernetes_manifests/metadata.hpp"

namespace harmony::fleet_access {

using plugin::failure;
using plugin::Json;
using plugin::Result;

namespace {

namespace manifests = kubernetes_manifests;

constexpr const char* kForbidden = "kubernetes.forbidden";
constexpr std::int64_t kUsualPort = 4222;

Result<std::vector<Json>> services(plugin::Kubernetes& cluster, const std::string& context,
                                   const std::string& name_space) {
    auto found = cluster.list({.kind = {"v1", "Service"},
                               .name_space = name_space,
                               .labels = {{manifests::kContextLabel, context},
                                          {manifests::kServiceLabel, std::string(kNatsDaemon)}}});
    if (!found && name_space.empty() && found.error().code == kForbidden) return std::vector<Json>();
    return found;
}

std::string service_url(const std::string& service, const std::string& name_space, std::int64_t port) {
    return "nats://" + service + "." + name_space + ".svc:" + std::to_string(port);
}

std::optional<std::string> url_of(const Json& service) {
    for (const Json& port : service["spec"]["ports"].items()) {
        if (port["name"] != Json(kNatsClientPort)) continue;
        const Json& metadata = service["metadata"];
        return service_url(metadata["name"].string_or(""), metadata["namespace"].string_or(""),
                           port["port"].integer_or(0));
    }
    return std::nullopt;
}

}  // namespace

Result<std::optional<std::string>> find_cluster_nats(plugin::Kubernetes& cluster, const std::string& context,
                                                     const std::string& name_space) {
    for (const std::string& where : {name_space, std::string()}) {
        const auto found = services(cluster, context, where);
        if (!found) return failure(found.error());
        for (const Json& service : *found) {
            if (auto url = url_of(service)) return url;
        }
    }
    return std::optional<std::string>();
}

Result<std::string> cluster_nats_url(const NatsInputs& inputs, plugin::Kubernetes& cluster,
                                     const std::string& context, const std::string& name_space) {
    if (!inputs.given_url().empty()) return inputs.given_url();
    auto found = find_cluster_nats(cluster, context, name_space);
    if (!found) return failure(std::move(found.error()));
    if (*found) return std::move(**found);
    // Where FleetNatsScore puts it unless it is told another namespace, which the plan after it then knows.
    if (inputs.deferred()) return service_url(std::string(kNatsDaemon), name_space, kUsualPort);
    return inputs.url_when_missing();
}

}  // namespace harmony::fleet_access
