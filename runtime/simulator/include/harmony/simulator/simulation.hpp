// A whole run: links, devices, figures.
#pragma once

#include <stop_token>
#include <string>

#include "harmony/simulator/figures.hpp"
#include "harmony/simulator/options.hpp"

namespace harmony::simulator {

// Until `stop`, or the options' duration. Prints the live figures to stderr and writes the report, also where
// the run failed after it had begun. Unavailable, PermissionDenied (with the subject that was refused), Io.
[[nodiscard]] Result<void> run_simulation(const SimulatorOptions& options, const std::string& version,
                                          const std::stop_token& stop);

}  // namespace harmony::simulator
