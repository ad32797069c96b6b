// The server as a daemon of one machine, on process-host/1.
#pragma once

#include "fleet_nats_score.hpp"

namespace harmony::fleet_nats::on_processes {

using Run = FleetNatsScore::Run;

[[nodiscard]] fleet_access::Verbs<Run> verbs();

}  // namespace harmony::fleet_nats::on_processes
