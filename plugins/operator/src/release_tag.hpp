// The name of a release: harmony-fleet-operator-v1.2.3.
#pragma once

#include <string>
#include <string_view>

#include "harmony/result.hpp"

namespace harmony::fleet_operator {

inline constexpr std::string_view kComponent = "harmony-fleet-operator";

// The version in the tag, "1.2.3" or "1.2.3-rc.1". InvalidInput for another component or what is no semantic
// version, with what was found and what was expected.
[[nodiscard]] Result<std::string> version_of_tag(std::string_view tag);

}  // namespace harmony::fleet_operator
