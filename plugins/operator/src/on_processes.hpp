// The operator as a supervised daemon of this machine, on process-host/1.
#pragma once

#include "fleet_operator_score.hpp"

namespace harmony::fleet_operator::on_processes {

using Run = FleetOperatorScore::Run;

[[nodiscard]] plugin::Result<std::vector<plugin::Object>> read(Run& run);
[[nodiscard]] plugin::Result<plugin::Plan> plan(Run& run, const plugin::PlanRequest& request);
[[nodiscard]] plugin::Result<std::vector<plugin::Object>> apply(Run& run, const plugin::Step& step);
[[nodiscard]] plugin::Result<std::vector<plugin::Check>> verify(Run& run);
[[nodiscard]] plugin::Result<std::vector<plugin::Object>> destroy(Run& run, const plugin::Step& step);

}  // namespace harmony::fleet_operator::on_processes
