#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

// Catch2 returns how many assertions failed, which would make four failures look like a skipped test.
int main(int count, char** values) {
    Catch::Session session;
    if (session.applyCommandLine(count, values) != 0) return 1;
    const int result = session.run();
    const Catch::ConfigData& options = session.configData();
    const bool lists =
        options.listTests || options.listTestNamesOnly || options.listTags || options.listReporters;
    if (lists) return result;  // the number of tests; catch_discover_tests() reads it
    return result == 0 ? 0 : 1;
}
