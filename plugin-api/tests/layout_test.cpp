#include <harmony/plugin.h>

#include <catch2/catch.hpp>
#include <string>
#include <type_traits>

extern "C" const size_t hp_layout_sizes[6];

TEST_CASE("C and C++ lay the structs out alike") {
    const size_t sizes[] = {sizeof(hp_bytes),    sizeof(hp_sink),  sizeof(hp_call),
                            sizeof(hp_services), sizeof(hp_hello), sizeof(hp_plugin)};
    for (size_t i = 0; i < 6; ++i)
        CHECK(sizes[i] == hp_layout_sizes[i]);
    STATIC_REQUIRE(std::is_standard_layout_v<hp_plugin>);
    STATIC_REQUIRE(std::is_trivially_copyable_v<hp_call>);
}

TEST_CASE("the literals that older builds hold do not change") {
    CHECK(std::string(HP_ENTRY_SYMBOL) == "harmony_plugin_entry_1");
    CHECK(std::string(HP_MANIFEST_SECTION) == ".harmony.manifest");
    CHECK(HP_GENERATION == 1);
    const int results[] = {HP_OK,       HP_E_LEVEL,     HP_E_METHOD,   HP_E_HANDLE,    HP_E_INVALID,
                           HP_E_FAILED, HP_E_CANCELLED, HP_E_DEADLINE, HP_E_TOO_LARGE, HP_E_INTERNAL};
    for (int i = 0; i < 10; ++i)
        CHECK(results[i] == i);
    CHECK(HP_LOG_DEBUG == 1);
    CHECK(HP_LOG_INFO == 2);
    CHECK(HP_LOG_WARNING == 3);
    CHECK(HP_LOG_ERROR == 4);
}
