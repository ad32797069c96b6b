// The placeholders of a DaemonSpec: @{config}, @{data}, @{runtime}, @{port:NAME}.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "problem.hpp"

namespace harmony::local {

struct PlaceholderValues {
    std::string config;
    std::string data;
    std::string runtime;
    std::map<std::string, int> ports;
};

// Every placeholder replaced; values are not searched again. An unknown one is process-host.invalid-spec.
[[nodiscard]] Outcome<std::string> expand(std::string_view text, const PlaceholderValues& values);

}  // namespace harmony::local
