// Agents as daemons of one machine, on process-host/1.
#pragma once

#include "fleet_agent_score.hpp"

namespace harmony::fleet_agent::on_processes {

using Run = FleetAgentScore::Run;

[[nodiscard]] fleet_access::Verbs<Run> verbs();

}  // namespace harmony::fleet_agent::on_processes
