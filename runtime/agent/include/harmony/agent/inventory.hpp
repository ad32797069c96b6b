// What this machine is: read from the kernel, never guessed.
#pragma once

#include <optional>
#include <string>

#include "harmony/contracts/device_info.hpp"

namespace harmony::agent {

// Everything but the container runtime. Nothing where the kernel does not even say its own name.
// `disk_path`: the file system whose size counts.
[[nodiscard]] std::optional<contracts::Inventory> read_inventory(const std::string& disk_path);

// The PRETTY_NAME of an os-release file; empty where it has none.
[[nodiscard]] std::string pretty_name(std::string_view os_release);

}  // namespace harmony::agent
