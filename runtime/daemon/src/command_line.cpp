#include "harmony/daemon/command_line.hpp"

#include <getopt.h>

#include <cstdio>
#include <cstdlib>

namespace harmony::runtime::daemon {

CommandLine parse_command_line(int count, char** values, const char* program, const char* config_variable,
                               const char* default_config) {
    CommandLine line;
    const char* configured = std::getenv(config_variable);
    line.config = configured != nullptr ? configured : default_config;
    const option known[] = {{"config", required_argument, nullptr, 'c'},
                            {"check-config", no_argument, nullptr, 'k'},
                            {"version", no_argument, nullptr, 'v'},
                            {"help", no_argument, nullptr, 'h'},
                            {nullptr, 0, nullptr, 0}};
    for (int found = 0; (found = getopt_long(count, values, "", known, nullptr)) != -1;) {
        switch (found) {
            case 'c':
                line.config = optarg;
                break;
            case 'k':
                line.check_only = true;
                break;
            case 'v':
                line.version = true;
                break;
            case 'h':
                line.help = true;
                break;
            default:
                line.wrong = true;
        }
    }
    if (optind < count) {
        std::fprintf(stderr, "%s: unexpected argument %s\n", program, values[optind]);
        line.wrong = true;
    }
    return line;
}

}  // namespace harmony::runtime::daemon
