// How a device's agent is called where it runs, as a daemon or as a workload of a cluster.
#pragma once

#include <string>

#include "fleet_agent_score.hpp"
#include "harmony/contracts/names.hpp"

namespace harmony::fleet_agent {

inline constexpr const char* kWorkloadPrefix = "fleet-agent-";
inline constexpr std::size_t kMaxWorkloadName = 63;  // process-host/1's, and a label's of a cluster

[[nodiscard]] std::string workload_name(const std::string& device);
// Validated before, so that it parses.
[[nodiscard]] contracts::DeviceId device_id(const std::string& text);
[[nodiscard]] std::string log_level_name(LogLevel level);

}  // namespace harmony::fleet_agent
