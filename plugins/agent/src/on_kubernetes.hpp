// Agents as pods of a cluster, one workload for each device, on kubernetes/1.
#pragma once

#include "fleet_agent_score.hpp"

namespace harmony::fleet_agent::on_kubernetes {

using Run = FleetAgentScore::Run;

[[nodiscard]] plugin::Result<std::vector<plugin::Object>> read(Run& run);
[[nodiscard]] plugin::Result<plugin::Plan> plan(Run& run, const plugin::PlanRequest& request);
[[nodiscard]] plugin::Result<std::vector<plugin::Object>> apply(Run& run, const plugin::Step& step);
[[nodiscard]] plugin::Result<std::vector<plugin::Check>> verify(Run& run);
[[nodiscard]] plugin::Result<std::vector<plugin::Object>> destroy(Run& run, const plugin::Step& step);

}  // namespace harmony::fleet_agent::on_kubernetes
