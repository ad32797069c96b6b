// Ending a program together with what it started.
#pragma once

#include <sys/types.h>
#include <chrono>

namespace harmony::runtime::podman {

// SIGKILL to every process of the session that `leader` leads and to its descendants, again until none is
// left. False: some are left at the deadline, or this user may not kill them. A process that has a session of
// its own and whose parent is gone is not found. Blocks for at most `patience`.
[[nodiscard]] bool kill_session(pid_t leader, std::chrono::milliseconds patience);

}  // namespace harmony::runtime::podman
