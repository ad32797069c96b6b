// The smoke test of agents: every device answers a ping.
#pragma once

#include <harmony/plugin/call.hpp>
#include <harmony/plugin/plan.hpp>
#include <vector>

#include "fleet_agent_score.hpp"
#include "harmony/nats/connection.hpp"

namespace harmony::fleet_agent {

// Waits up to ten seconds for each.
[[nodiscard]] plugin::Result<std::vector<plugin::Check>> ping_devices(
    plugin::Call& call, runtime::nats::NatsConnection& connection,
    const std::vector<DeviceParameters>& devices);

}  // namespace harmony::fleet_agent
