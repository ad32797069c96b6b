// Words to arguments. The only place that knows the parsing library.
#pragma once

#include <string>
#include <vector>

#include "host/cli/command_spec.hpp"

namespace harmony::host {

enum class Unknown { Refused, Ignored };

// Codes usage.unknown-flag (with a suggestion), usage.argument, usage.missing-argument.
[[nodiscard]] Outcome<ParsedArguments> parse_command_line(const std::string& command,
                                                          const std::vector<ArgumentSpec>& arguments,
                                                          const std::vector<std::string>& words,
                                                          Unknown unknown);

// The arguments that every command takes.
[[nodiscard]] const std::vector<ArgumentSpec>& global_arguments();

// A command's own arguments, then the global ones. An own one wins over a global one of the same name, and
// takes its letter.
[[nodiscard]] std::vector<ArgumentSpec> with_globals(std::vector<ArgumentSpec> own);

}  // namespace harmony::host
