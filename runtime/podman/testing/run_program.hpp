// Running the podman program from a test, with a deadline and its output.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <sys/types.h>

namespace harmony::runtime::podman_testing {

struct ProgramResult {
    int exit_code = -1;  // -1: not started, killed, or out of time
    std::string output;  // stdout and stderr as they came
};

// `containers_conf`: a path for CONTAINERS_CONF; empty leaves the environment as it is.
ProgramResult run_program(const std::vector<std::string>& command, const std::string& containers_conf,
                          std::chrono::seconds limit);

// Starts it and returns its id; 0: failed. Its output goes to the file.
pid_t start_program(const std::vector<std::string>& command, const std::string& containers_conf,
                    const std::string& log_path);
// SIGTERM, and SIGKILL where that is not enough; waits.
void end_program(pid_t pid);

}  // namespace harmony::runtime::podman_testing
