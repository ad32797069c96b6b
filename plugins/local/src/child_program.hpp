// Runs a program to its end and keeps what it wrote.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "problem.hpp"

namespace harmony::local {

struct ProgramResult {
    int exit_code = 0;  // 128 + signal when a signal ended it
    std::string output;
    std::string errors;
};

// argv[0] is the absolute path of the program. Its standard input is empty; `env` is added to this process's
// environment. A program that runs longer than the timeout is killed, which is a problem. At most 16 MiB of
// output are kept. Safe in a process with several threads.
[[nodiscard]] Outcome<ProgramResult> run_program(const std::vector<std::string>& argv,
                                                 const std::map<std::string, std::string>& env,
                                                 std::chrono::milliseconds timeout);

}  // namespace harmony::local
