// Where pods of a cluster find the context's NATS server.
#pragma once

#include <harmony/capability/kubernetes.hpp>
#include <optional>
#include <string>

#include "harmony/fleet_access/nats_access.hpp"

namespace harmony::fleet_access {

// nats://<service>.<namespace>.svc:<port> of the Service that FleetNatsScore applied from this context,
// looked for in `name_space` first. Reads only. Nothing where there is none; a user who may not look into
// other namespaces sees none there.
[[nodiscard]] plugin::Result<std::optional<std::string>> find_cluster_nats(plugin::Kubernetes& cluster,
                                                                           const std::string& context,
                                                                           const std::string& name_space);

// As NatsInputs::url(), for the configuration of a pod: the given URL, the address found, or, while
// FleetNatsScore still has work, where it will be if that Score has the same namespace. HP_E_INVALID
// "<area>.nats-not-found" otherwise.
[[nodiscard]] plugin::Result<std::string> cluster_nats_url(const NatsInputs& inputs,
                                                           plugin::Kubernetes& cluster,
                                                           const std::string& context,
                                                           const std::string& name_space);

}  // namespace harmony::fleet_access
