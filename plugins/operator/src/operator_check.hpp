// Whether the operator that answers through NATS is the right one.
#pragma once

#include <harmony/plugin/plan.hpp>

#include "harmony/nats/connection.hpp"
#include "operator_parameters.hpp"

namespace harmony::fleet_operator {

[[nodiscard]] plugin::Check check_api(runtime::nats::NatsConnection& connection,
                                      const OperatorParameters& parameters);

}  // namespace harmony::fleet_operator
