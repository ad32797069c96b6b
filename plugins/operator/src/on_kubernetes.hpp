// The operator as pods of a cluster, on kubernetes/1.
#pragma once

#include "fleet_operator_score.hpp"

namespace harmony::fleet_operator::on_kubernetes {

using Run = FleetOperatorScore::Run;

[[nodiscard]] fleet_access::Verbs<Run> verbs();

}  // namespace harmony::fleet_operator::on_kubernetes
