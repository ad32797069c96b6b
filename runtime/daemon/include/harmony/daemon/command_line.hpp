// The command line that the daemons have in common.
#pragma once

#include <string>

namespace harmony::runtime::daemon {

struct CommandLine {
    std::string
        config;  // --config FILE, else the environment variable, else the default; empty: none of them
    bool check_only = false;
    bool version = false;
    bool help = false;
    bool wrong = false;  // the reason has been written to stderr
};

// Uses getopt's global state: call once, before there are threads.
[[nodiscard]] CommandLine parse_command_line(int count, char** values, const char* program,
                                             const char* config_variable, const char* default_config = "");

}  // namespace harmony::runtime::daemon
