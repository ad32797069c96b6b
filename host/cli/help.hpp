#pragma once

#include <string>
#include <vector>

#include "host/cli/command_spec.hpp"
#include "host/output/style.hpp"

namespace harmony::host {

// How a command is called, what it takes, examples.
[[nodiscard]] std::string command_help(const CommandSpec& command, const std::vector<ArgumentSpec>& extended,
                                       const Style& style);

// The commands below prefix; all when it is empty.
[[nodiscard]] std::string overview_help(const std::vector<CommandSpec>& commands,
                                        const std::vector<std::string>& prefix, const Style& style);

}  // namespace harmony::host
