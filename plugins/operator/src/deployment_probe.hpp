// The smoke test on a cluster, from where users of kubectl stand: a Deployment that selects no device is
// taken up by the operator, and released when it is deleted.
#pragma once

#include <harmony/capability/kubernetes.hpp>
#include <harmony/plugin/call.hpp>
#include <harmony/plugin/plan.hpp>
#include <string>

namespace harmony::fleet_operator {

// Each of the two may take `timeout_s`: a lease of an operator that died has to run out first.
[[nodiscard]] plugin::Result<plugin::Check> probe_deployment(plugin::Call& call, plugin::Kubernetes& cluster,
                                                             const std::string& name_space, int timeout_s);

}  // namespace harmony::fleet_operator
