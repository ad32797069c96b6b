// Where a Service's port can be reached from outside.
#pragma once

#include <chrono>
#include <harmony/capability/kubernetes.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cluster_session.hpp"

namespace harmony::cluster {

// In the order of preference: load balancer, the nodes' addresses at the node port, the API server's host at
// the node port, the cluster's own address. Invalid parameter: no such port; its summary names those there
// are. Empty for a headless Service.
[[nodiscard]] plugin::Result<std::vector<plugin::KubernetesAddress>> addresses_of(
    const json& service, const std::string& port, const std::vector<json>& nodes,
    const std::string& api_host);

// The first that accepts a TCP connection. The cluster's own addresses count only inside of it: elsewhere
// whatever answers there is something else.
[[nodiscard]] const plugin::KubernetesAddress* first_answering(
    const std::vector<plugin::KubernetesAddress>& addresses, bool inside);

// The nodes, or none without the permission to list them.
[[nodiscard]] std::vector<json> list_nodes(ClusterSession& session);

// Kubernetes::reach.
[[nodiscard]] plugin::Result<plugin::KubernetesAddress> reach_service(
    ClusterSession& session, const plugin::KubernetesServicePort& wanted);

}  // namespace harmony::cluster
