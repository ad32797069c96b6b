#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "samples.hpp"

namespace fs = std::filesystem;
using namespace harmony::contracts::testing;

namespace {

constexpr int kSkipped = 4;  // what ctest counts as skipped

std::string golden_path(const Sample& sample) {
    return "golden/" + sample.type + "/" + sample.name + ".json";
}

void accept_all() {
    for (const auto& sample : samples()) {
        const auto path = fs::path(HARMONY_SOURCE_DIR) / "contracts" / golden_path(sample);
        fs::create_directories(path.parent_path());
        std::ofstream(path, std::ios::binary) << sample.encoded << "\n";
    }
    std::puts("golden vectors written anew: nothing was compared");
    std::fflush(stdout);
    std::_Exit(kSkipped);
}

}  // namespace

TEST_CASE("every document is encoded to the bytes of its golden vector and read back from them") {
    const char* accept = std::getenv("HARMONY_ACCEPT");
    if (accept != nullptr && std::string_view(accept) == "1") accept_all();
    for (const auto& sample : samples()) {
        INFO(golden_path(sample));
        const auto golden = read_contract_file(golden_path(sample));
        CHECK(sample.encoded == golden);
        const auto again = sample.reencode(golden);
        REQUIRE(again.has_value());
        CHECK(*again == golden);
    }
}

TEST_CASE("every golden vector belongs to a document that the tests know") {
    // definition_test.cpp compares those.
    std::set<std::string> known{"golden/resource_definition/deployment.json",
                                "golden/resource_definition/device.json"};
    for (const auto& sample : samples())
        known.insert(golden_path(sample));
    const auto root = fs::path(HARMONY_SOURCE_DIR) / "contracts";
    for (const auto& entry : fs::recursive_directory_iterator(root / "golden")) {
        if (!entry.is_regular_file()) continue;
        CHECK(known.count(fs::relative(entry.path(), root).string()) == 1);
    }
}
