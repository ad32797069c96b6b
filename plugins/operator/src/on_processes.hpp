// The operator as a supervised daemon of this machine, on process-host/1.
#pragma once

#include "fleet_operator_score.hpp"

namespace harmony::fleet_operator::on_processes {

using Run = FleetOperatorScore::Run;

[[nodiscard]] fleet_access::Verbs<Run> verbs();

}  // namespace harmony::fleet_operator::on_processes
