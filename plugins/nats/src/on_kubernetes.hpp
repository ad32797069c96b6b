// The server as a StatefulSet of a cluster, on kubernetes/1.
#pragma once

#include "fleet_nats_score.hpp"

namespace harmony::fleet_nats::on_kubernetes {

using Run = FleetNatsScore::Run;

[[nodiscard]] fleet_access::Verbs<Run> verbs();

}  // namespace harmony::fleet_nats::on_kubernetes
