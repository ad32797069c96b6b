#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <harmony/plugin/testing/fake_host.hpp>
#include <iterator>

#include "elf_file.hpp"

using namespace harmony::plugin;
using namespace harmony::plugin::testing;

namespace {

std::string golden(const std::string& actual) {
    const std::string path = HARMONY_SOURCE_DIR "/plugin-api/golden/sample_manifest.json";
    if (std::getenv("HARMONY_ACCEPT") != nullptr) {
        std::ofstream(path, std::ios::trunc) << actual << "\n";
        WARN("accepted " << path);
    }
    std::ifstream stream(path);
    std::string text{std::istreambuf_iterator<char>(stream), {}};
    if (!text.empty()) text.pop_back();
    return text;
}

}  // namespace

TEST_CASE("the sample plugin's manifest is the golden one") {
    FakeHost host(harmony_plugin_entry_1);
    auto manifest = host.describe();
    REQUIRE(manifest);
    CHECK(manifest->dump(2) == golden(manifest->dump(2)));
}

TEST_CASE("a built plugin carries what it describes, plus what only its file knows") {
    auto host = FakeHost::load(HARMONY_FAULTY_PLUGIN);
    auto described = host->describe();
    REQUIRE(described);
    auto section = harmony::tools::read_section(HARMONY_FAULTY_PLUGIN, HP_MANIFEST_SECTION);
    REQUIRE(section);
    auto embedded = Json::parse(*section);
    REQUIRE(embedded);
    CHECK((*embedded)["needs"]["GLIBC"].is_string());
    CHECK((*embedded)["target"].is_string());
    Json expected = *described;
    expected["needs"] = (*embedded)["needs"];
    expected["target"] = (*embedded)["target"];
    CHECK(*embedded == expected);
}

TEST_CASE("a built plugin exports its entry and nothing else") {
    auto elf = harmony::tools::read_elf(HARMONY_FAULTY_PLUGIN);
    REQUIRE(elf);
    CHECK(elf->exported == std::vector<std::string>{HP_ENTRY_SYMBOL});
}

TEST_CASE("an exception in a loaded plugin stays there") {
    auto host = FakeHost::load(HARMONY_FAULTY_PLUGIN);
    auto score = host->score("ThrowScore", Json::object({{"folder", "/nonexistent/folder"}}));
    REQUIRE(score);
    CHECK(score->apply(Step{.id = "marker", .object = {.kind = "file", .name = "x"}}).error().status ==
          HP_E_INTERNAL);
}

TEST_CASE("symbol versions are compared number by number") {
    using harmony::tools::version_less;
    CHECK(version_less("2.9", "2.34"));
    CHECK_FALSE(version_less("2.34", "2.9"));
    CHECK(version_less("2.2", "2.2.5"));
    CHECK_FALSE(version_less("2.34", "2.34"));
}
