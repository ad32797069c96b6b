// One invocation of harmony.
#pragma once

#include <string>
#include <vector>

#include "host/cli/application.hpp"

namespace harmony::host {

// words is what follows the program's name. Returns the exit code of docs/reference/exit-codes.md. Lets no
// exception out.
[[nodiscard]] int run(const std::vector<std::string>& words, const Setup& setup);

}  // namespace harmony::host
