// What a shell offers after the words typed so far.
#pragma once

#include <string>
#include <vector>

#include "host/cli/application.hpp"

namespace harmony::host {

// The scripts call `harmony __complete -- WORD...`.
inline constexpr const char* kCompleteCommand = "__complete";

// words ends with the one being typed, which may be empty. Each candidate is a line; a single line ":files"
// leaves it to the shell to complete file names. Reads the catalog only where names of plugins are asked for.
[[nodiscard]] std::vector<std::string> complete(Application& application,
                                                const std::vector<std::string>& words);

// The script that hooks this into a shell: bash, zsh or fish.
[[nodiscard]] std::string completion_script(const std::string& shell);

}  // namespace harmony::host
