// Starts a runner process with exactly the descriptors it needs.
#pragma once

#include <sys/types.h>
#include <harmony/host/diagnostics.hpp>
#include <harmony/host/plugin_file.hpp>
#include <string>

namespace harmony::host {

inline constexpr int kRunnerSocketFd = 3;
inline constexpr int kRunnerPluginFd = 4;
inline constexpr int kRunnerFirstFreeFd = 5;

struct SpawnedRunner {
    pid_t pid = 0;
    FileDescriptor process;  // pidfd
    FileDescriptor socket;   // ours, not blocking
    FileDescriptor output;   // what it writes to descriptors 1 and 2, not blocking
};

// In its own process group, standard input empty, default signals. Code plugin.runner-start.
[[nodiscard]] Result<SpawnedRunner> spawn_runner(const std::string& executable, int plugin_fd);

}  // namespace harmony::host
