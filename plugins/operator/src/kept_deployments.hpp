// The Deployments (fleet.nationtech.io) of a cluster, as a destroy sees them. Each waits to be released by
// the operator that serves its namespace.
#pragma once

#include <harmony/capability/kubernetes.hpp>
#include <harmony/plugin/plan.hpp>
#include <string>
#include <vector>

#include "harmony/fleet_access/kubernetes_objects.hpp"

namespace harmony::fleet_operator {

// Reads only. operator.finalizers where Deployments, in any namespace, would wait for ever, because no
// operator runs that could release them. `operator_runs`: one does that serves this namespace.
[[nodiscard]] plugin::Result<void> check_releasable(plugin::Kubernetes& cluster,
                                                    const std::string& name_space, bool operator_runs);

// Reads only. For a destroy that deletes data and has to leave the definitions: a step for each Deployment of
// the namespace. `operator_runs` as in check_releasable().
[[nodiscard]] plugin::Result<std::vector<plugin::Step>> deployment_removals(plugin::Kubernetes& cluster,
                                                                            const std::string& name_space,
                                                                            bool operator_runs);
// Reads only. A step for each Deployment that we have made ourselves: what an interrupted test has left.
[[nodiscard]] plugin::Result<std::vector<plugin::Step>> probe_removals(
    plugin::Kubernetes& cluster, const fleet_access::ClusterOwner& owner);
[[nodiscard]] bool is_deployment_step(const plugin::Step& step);
[[nodiscard]] plugin::Result<void> remove_deployment(plugin::Kubernetes& cluster,
                                                     const std::string& name_space, const plugin::Step& step);

}  // namespace harmony::fleet_operator
