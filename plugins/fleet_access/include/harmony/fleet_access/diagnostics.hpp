// From the runtime's errors to what the user of a plugin is told.
#pragma once

#include <harmony/plugin/diagnostic.hpp>
#include <string>

#include "harmony/result.hpp"

namespace harmony::fleet_access {

// The code is "<area>.<kind>", such as "fleet.not-found". InvalidInput crosses the boundary as HP_E_INVALID;
// Unavailable, Timeout and Conflict are marked as worth another try.
[[nodiscard]] plugin::Diagnostic diagnostic_of(const Error& error, const std::string& area);

}  // namespace harmony::fleet_access
