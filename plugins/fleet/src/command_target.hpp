// DEPLOYMENT[/SERVICE], as the user writes what a command is about.
#pragma once

#include <harmony/plugin/diagnostic.hpp>
#include <optional>
#include <string>

#include "harmony/contracts/names.hpp"
#include "harmony/contracts/timestamps.hpp"

namespace harmony::fleet {

struct CommandTarget {
    contracts::DeploymentName deployment;
    std::optional<std::string> service;
};

// HP_E_INVALID names the argument `target`.
[[nodiscard]] plugin::Result<CommandTarget> parse_target(const std::string& text);

// "90s", "10m", "3h", "2d" before `now`, or a time of RFC 3339. HP_E_INVALID names the argument `since`.
[[nodiscard]] plugin::Result<contracts::Timestamp> parse_since(const std::string& text,
                                                               contracts::Timestamp now);

}  // namespace harmony::fleet
