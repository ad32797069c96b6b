// `harmony chart`: what a plugin rendered becomes files, and nobody else's files are touched.
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "fake_plugins.hpp"
#include "host/engine/rendered_folder.hpp"

using namespace harmony::host;
using Catch::Contains;
using harmony::host::testing::Machine;
using nlohmann::json;

namespace {

std::string read(const Machine& machine, const std::string& file) {
    std::ifstream stream(machine.root + "/work/" + file);
    return {std::istreambuf_iterator<char>(stream), {}};
}

bool exists(const Machine& machine, const std::string& file) {
    return std::filesystem::exists(machine.root + "/work/" + file);
}

json files(std::vector<std::pair<std::string, std::string>> list) {
    json answer = {{"files", json::array()}};
    for (const auto& [path, content] : list)
        answer["files"].push_back({{"path", path}, {"content", content}});
    return answer;
}

}  // namespace

TEST_CASE("A chart is written with what was given, and starts no topology and leaves no other trace") {
    Machine machine;
    REQUIRE(machine.run({"chart", "AppScore", "-o", "deploy/app", "--from-tag", "v7"}) == 0);
    CHECK(read(machine, "deploy/app/values.yaml") == "{\"tag\":\"v7\"}\n");
    CHECK(read(machine, "deploy/app/templates/thing.yaml") == "kind: Thing\n");
    CHECK_THAT(machine.out, Contains("templates/thing.yaml  created"));
    for (const auto& call : machine.world.calls)
        CHECK_THAT(call, !Contains("topology") && !Contains("apply"));
    CHECK_FALSE(std::filesystem::exists(machine.state()));
    struct stat found {};
    REQUIRE(::stat((machine.root + "/work/deploy/app/values.yaml").c_str(), &found) == 0);
    const mode_t mask = ::umask(0);
    ::umask(mask);
    CHECK((found.st_mode & 0777) == (0666 & ~mask));
}

TEST_CASE("The same chart again changes nothing, another one replaces what harmony wrote") {
    Machine machine;
    REQUIRE(machine.run({"chart", "AppScore", "-o", "app"}) == 0);
    machine.write("work/app/values-prod.yaml", "mine: true\n");
    REQUIRE(machine.run({"chart", "AppScore", "-o", "app", "--output", "json"}) == 0);
    CHECK(machine.json()["harmony"]["schema"] == "chart/1");
    CHECK(machine.json()["folder"] == "app");
    for (const auto& file : machine.json()["files"])
        CHECK(file["change"] == "unchanged");
    machine.world.rendered = files({{"values.yaml", "new\n"}, {"Chart.yaml", "name: app\n"}});
    REQUIRE(machine.run({"chart", "AppScore", "-o", "app", "--output", "json"}) == 0);
    CHECK(machine.json()["files"] == json::parse(R"([{"path":"Chart.yaml","change":"created"},
        {"path":"values.yaml","change":"updated"},{"path":"templates/thing.yaml","change":"removed"}])"));
    CHECK(read(machine, "app/values.yaml") == "new\n");
    CHECK_FALSE(exists(machine, "app/templates"));
    CHECK(read(machine, "app/values-prod.yaml") == "mine: true\n");
}

TEST_CASE("A file that harmony did not write, or that was changed since, is never overwritten") {
    Machine machine;
    std::filesystem::create_directories(machine.root + "/work/app");
    machine.write("work/app/values.yaml", "mine: true\n");
    CHECK(machine.run({"chart", "AppScore", "-o", "app"}) == 1);
    CHECK_THAT(machine.err, Contains("values.yaml") && Contains("nothing was written"));
    CHECK(read(machine, "app/values.yaml") == "mine: true\n");
    CHECK_FALSE(exists(machine, "app/templates"));

    REQUIRE(machine.run({"chart", "AppScore", "-o", "other"}) == 0);
    machine.write("work/other/values.yaml", "edited\n");
    CHECK(machine.run({"chart", "AppScore", "-o", "other", "--from-tag", "v8", "--output", "json"}) == 1);
    CHECK(machine.json()["error"]["code"] == "render.foreign-file");
    CHECK(read(machine, "other/values.yaml") == "edited\n");
    CHECK(machine.run({"chart", "BaseScore", "-o", "other"}) == 1);
    CHECK_THAT(machine.err, Contains("AppScore"));
}

TEST_CASE("A link that leads out of the chart's folder is not followed") {
    Machine machine;
    std::filesystem::create_directories(machine.root + "/work/app");
    std::filesystem::create_directories(machine.root + "/elsewhere");
    std::filesystem::create_symlink(machine.root + "/elsewhere", machine.root + "/work/app/templates");
    CHECK(machine.run({"chart", "AppScore", "-o", "app"}) == 1);
    CHECK(std::filesystem::is_empty(machine.root + "/elsewhere"));
}

TEST_CASE("A rendering that was interrupted is finished by doing it again") {
    Machine machine;
    REQUIRE(machine.run({"chart", "AppScore", "-o", "app"}) == 0);
    machine.world.rendered = files({{"values.yaml", "new\n"}, {"templates/thing.yaml", "kind: New\n"}});
    // As after a power cut between the two files: the marker allows both, one file is new.
    const std::string marker = machine.root + "/work/app/.harmony-rendered.json";
    std::ifstream stream(marker);
    auto known = RenderedFolder::parse(std::string(std::istreambuf_iterator<char>(stream), {}));
    REQUIRE(known);
    REQUIRE(machine.run({"chart", "AppScore", "-o", "copy"}) == 0);
    std::ifstream copy(machine.root + "/work/copy/.harmony-rendered.json");
    const auto after = RenderedFolder::parse(std::string(std::istreambuf_iterator<char>(copy), {}));
    for (const auto& [path, digests] : after->files)
        known->files[path].insert(known->files[path].end(), digests.begin(), digests.end());
    std::ofstream(marker, std::ios::trunc) << known->text();
    machine.write("work/app/values.yaml", "new\n");
    REQUIRE(machine.run({"chart", "AppScore", "-o", "app"}) == 0);
    CHECK(read(machine, "app/templates/thing.yaml") == "kind: New\n");
}

TEST_CASE("No secret gets into a chart") {
    Machine machine;
    machine.variables["HARMONY_CONFIG_BaseScore__PASSWORD"] = "tops3cret";
    REQUIRE(machine.run({"chart", "BaseScore", "-o", "base"}) == 0);
    CHECK_THAT(read(machine, "base/values.yaml"), Contains("4222") && !Contains("tops3cret"));
}

TEST_CASE("A Score that has no chart says which have, and a missing folder is asked for") {
    Machine machine;
    CHECK(machine.run({"chart", "LoneScore", "-o", "x"}) == 2);
    CHECK_THAT(machine.err, Contains("AppScore, BaseScore"));
    CHECK(machine.run({"chart", "AppScor", "-o", "x"}) == 2);
    CHECK_THAT(machine.err, Contains("AppScore"));
    CHECK(machine.run({"chart", "AppScore"}) == 2);
    CHECK_THAT(machine.err, Contains("--into"));
    CHECK_FALSE(exists(machine, "x"));
}

TEST_CASE("What a plugin renders cannot leave the chart's folder") {
    Machine machine;
    for (const char* path : {"../x", "/etc/x", "a//b", "a/./b", "a/../../b", "", ".", "a/", "a b", "a\nb",
                             ".harmony-rendered.json", "x\\y"}) {
        INFO(path);
        machine.world.rendered = files({{"Chart.yaml", "x"}, {path, "x"}});
        CHECK(machine.run({"chart", "AppScore", "-o", "app", "--output", "json"}) == 1);
        CHECK(machine.json()["error"]["code"] == "plugin.bad-answer");
    }
    for (const auto& answer : {json::object(), files({}), files({{"a", "x"}, {"a", "y"}}),
                               files({{"a", "x"}, {"a-b", "x"}, {"a/b", "x"}}),
                               json{{"files", {{{"path", "a"}}}}}, json{{"files", {1}}}}) {
        INFO(answer);
        machine.world.rendered = answer;
        CHECK(machine.run({"chart", "AppScore", "-o", "app", "--output", "json"}) == 1);
        CHECK(machine.json()["error"]["code"] == "plugin.bad-answer");
    }
    CHECK_FALSE(exists(machine, "app"));
}

TEST_CASE("The chart command is completed and explained") {
    Machine machine;
    REQUIRE(machine.run({"__complete", "--", "cha"}) == 0);
    CHECK(machine.out == "chart\n");
    REQUIRE(machine.run({"__complete", "--", "chart", "App"}) == 0);
    CHECK(machine.out == "AppScore\n");
    REQUIRE(machine.run({"__complete", "--", "chart", "AppScore", "-o", ""}) == 0);
    CHECK(machine.out == ":files\n");
    REQUIRE(machine.run({"__complete", "--", "chart", "AppScore", "--fr"}) == 0);
    CHECK(machine.out == "--from-tag\n");
    REQUIRE(machine.run({"chart", "--help"}) == 0);
    CHECK_THAT(machine.out,
               Contains("-o, --into DIR") && Contains("    --output FORMAT") && Contains("Examples"));
    REQUIRE(machine.run({"scores", "show", "AppScore"}) == 0);
    CHECK_THAT(machine.out, Contains("helm-chart/1"));
}
