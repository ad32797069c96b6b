// The definitions of the fleet's resources in a cluster. Every context of the cluster uses the same ones, so
// they belong to none of them, and a destroy leaves them unless it is told to delete data.
#pragma once

#include <harmony/capability/kubernetes.hpp>
#include <harmony/plugin/plan.hpp>
#include <vector>

namespace harmony::fleet_operator {

// Reads only. A step for each that is missing, older or changed by hand; operator.definition-newer and
// operator.definition-foreign for one that is not to be replaced.
[[nodiscard]] plugin::Result<std::vector<plugin::Step>> definition_steps(plugin::Kubernetes& cluster);
[[nodiscard]] bool is_definition_step(const plugin::Step& step);
[[nodiscard]] plugin::Result<void> apply_definition_step(plugin::Kubernetes& cluster,
                                                         const plugin::Step& step);

// Reads only. Whether another operator of the cluster needs them.
[[nodiscard]] plugin::Result<bool> definitions_used_elsewhere(plugin::Kubernetes& cluster,
                                                              const std::string& name_space);
// Reads only. For a destroy that deletes data: a step for each that is there. `operator_runs` tells whether
// ours still does, as for check_releasable().
[[nodiscard]] plugin::Result<std::vector<plugin::Step>> definition_removals(plugin::Kubernetes& cluster,
                                                                            const std::string& name_space,
                                                                            bool operator_runs);
[[nodiscard]] plugin::Result<void> remove_definition(plugin::Kubernetes& cluster, const plugin::Step& step);

}  // namespace harmony::fleet_operator
