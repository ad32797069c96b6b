// The daemons' own lines, faults and all, would drown a test's.
#pragma once

#include <fcntl.h>

#include <catch2/catch.hpp>

#include "harmony/daemon/logging.hpp"

namespace harmony::simulation {

// Once per process.
inline void be_quiet() {
    static const bool quiet = [] {
        runtime::daemon::log_to_descriptor(open("/dev/null", O_WRONLY | O_CLOEXEC));
        return runtime::daemon::start_logging("error").has_value();
    }();
    REQUIRE(quiet);
}

}  // namespace harmony::simulation
