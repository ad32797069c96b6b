// Daemons as objects and steps of a Score.
#pragma once

#include <harmony/capability/process_host.hpp>
#include <harmony/plugin/plan.hpp>
#include <optional>
#include <string>

namespace harmony::fleet_access {

[[nodiscard]] plugin::Object daemon_object(const plugin::Daemon& daemon);
[[nodiscard]] std::string daemon_step_id(const std::string& name);  // "daemon <name>"

// What process-host/1 would do for the spec; none when nothing. A port that somebody else holds is the fault
// of `port_parameter`, which chose it: HP_E_INVALID.
[[nodiscard]] plugin::Result<std::optional<plugin::Step>> daemon_step(plugin::ProcessHost& host,
                                                                      const plugin::DaemonSpec& spec,
                                                                      const std::string& port_parameter = "");

// The daemon, when there is one, is stopped and removed. `data` is its data in the user's words; it is
// deleted only with delete_data, which makes the step destructive. With delete_data there is also a step for
// data that an earlier removal has kept.
[[nodiscard]] plugin::Result<std::optional<plugin::Step>> daemon_removal(plugin::ProcessHost& host,
                                                                         const std::string& name,
                                                                         bool delete_data,
                                                                         const std::string& data);

}  // namespace harmony::fleet_access
