// Whether containers run on this machine as podman is configured, and if not, with which configuration they
// do.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "problem.hpp"

namespace harmony::local {

// Runs a container of one instruction from a folder, so no image and no registry is needed. Where it fails,
// it is run once more with a containers.conf written into `folder` (limits that this process may set,
// cgroupfs, runc); the outcome is kept there until kernel, boot or podman change. Returns the variables that
// podman needs from here on: none, or CONTAINERS_CONF. container-runtime.unusable carries what podman said to
// both attempts.
[[nodiscard]] Outcome<std::map<std::string, std::string>> podman_environment(
    const std::filesystem::path& folder, const std::string& podman, const std::string& version);

// What an earlier trial found out, without running one: none when there was none.
[[nodiscard]] std::map<std::string, std::string> known_podman_environment(
    const std::filesystem::path& folder);

// The containers.conf for machines where the usual one fails.
[[nodiscard]] std::string fallback_containers_conf();

}  // namespace harmony::local
