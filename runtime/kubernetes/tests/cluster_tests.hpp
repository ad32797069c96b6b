// How tests on a cluster begin. Header only, for tests that link nothing of this library's, too.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

namespace harmony::runtime::kubernetes::testing {

// Ends the process as skipped: SKIP_RETURN_CODE in harmony_add_test.
[[noreturn]] inline void skip(const char* reason) {
    std::cout << "SKIPPED: " << reason << '\n' << std::flush;
    std::exit(4);
}

// Skips, and says why, unless cluster tests were asked for.
inline void need_cluster() {
    const char* asked = std::getenv("HARMONY_FLEET_E2E");
    if (asked != nullptr && std::string(asked) == "1") return;
    skip("cluster tests build Kubernetes once; set HARMONY_FLEET_E2E=1 to run them");
}

// Of a namespace.
[[nodiscard]] inline std::string random_name() {
    std::random_device device;
    char text[16];
    std::snprintf(text, sizeof text, "e2e-%08x", device());
    return text;
}

}  // namespace harmony::runtime::kubernetes::testing
