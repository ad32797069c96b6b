// Agents as pods of a cluster, one workload for each device, on kubernetes/1.
#pragma once

#include "fleet_agent_score.hpp"

namespace harmony::fleet_agent::on_kubernetes {

using Run = FleetAgentScore::Run;

[[nodiscard]] fleet_access::Verbs<Run> verbs();

}  // namespace harmony::fleet_agent::on_kubernetes
