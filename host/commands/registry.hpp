// Every built-in command; one file each.
#pragma once

#include <vector>

#include "host/cli/command_spec.hpp"

namespace harmony::host {

[[nodiscard]] std::vector<CommandSpec> built_in_commands();

// What the catalog's plugins contribute, as summaries only: enough to list and to find them.
[[nodiscard]] std::vector<CommandSpec> contributed_commands(Application& application);
// The whole command, from its plugin's manifest.
[[nodiscard]] Outcome<CommandSpec> contributed_command(Application& application, const std::string& name);

[[nodiscard]] CommandSpec apply_command();
[[nodiscard]] CommandSpec plan_command();
[[nodiscard]] CommandSpec destroy_command();
[[nodiscard]] CommandSpec status_command();
[[nodiscard]] CommandSpec chart_command();
[[nodiscard]] std::vector<CommandSpec> scores_commands();
[[nodiscard]] std::vector<CommandSpec> topologies_commands();
[[nodiscard]] std::vector<CommandSpec> plugins_commands();
[[nodiscard]] std::vector<CommandSpec> context_commands();
[[nodiscard]] CommandSpec config_explain_command();
[[nodiscard]] std::vector<CommandSpec> e2e_commands();
[[nodiscard]] CommandSpec e2e_clean_command();  // one of those
[[nodiscard]] CommandSpec doctor_command();
[[nodiscard]] CommandSpec completion_command();
[[nodiscard]] CommandSpec version_command();

}  // namespace harmony::host
