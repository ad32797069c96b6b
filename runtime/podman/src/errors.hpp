// What podman's refusals mean to a caller.
#pragma once

#include <string>
#include <string_view>

#include "harmony/result.hpp"

namespace harmony::runtime::podman {

// From an HTTP status and podman's own words.
Error refusal(int status, std::string_view message, std::string context);
// A pull's failure arrives as text inside a successful answer. `registry` is empty for a short name.
Error pull_failure(std::string_view message, std::string context, std::string_view registry = {});

}  // namespace harmony::runtime::podman
