// Running a program on the device itself.
#pragma once

#include <stop_token>

#include "harmony/podman/container_runtime.hpp"
#include "harmony/result.hpp"

namespace harmony::agent {

// As the agent's own user, in a session of its own, from the folder "/", with PATH, HOME, USER and LANG and
// nothing else of the agent's environment, without standard input. NotFound, PermissionDenied: it can't be
// started. Timeout and Cancelled: it was killed with all it started, and the message says so where not.
[[nodiscard]] Result<runtime::podman::ExecOutcome> run_on_host(const runtime::podman::ExecSpec& spec,
                                                               const std::stop_token& stop);

}  // namespace harmony::agent
