#include <catch2/catch.hpp>
#include <fstream>

#include "fake_plugins.hpp"

using namespace harmony::host;
using Catch::Contains;
using harmony::host::testing::Machine;

TEST_CASE("Wrong usage and configuration exit with 2, start nothing and say what would be right") {
    struct Row {
        std::vector<std::string> words;
        std::string said;
    };
    const auto row = GENERATE(values<Row>({
        {{"aply"}, "did you mean \"apply\""},
        {{"scores", "lst"}, "did you mean \"scores list\""},
        {{"apply"}, "--filter"},
        {{"apply", "--filter", "BaseScor"}, "did you mean \"BaseScore\""},
        {{"apply", "--filter", "Nope*"}, "no Score matches"},
        {{"apply", "--al"}, "did you mean \"--all\""},
        {{"apply", "--filter", "BaseScore", "--set", "prt=1"}, "did you mean \"port\""},
        {{"apply", "--filter", "BaseScore", "--set", "port=many"}, "a whole number"},
        {{"apply", "--filter", "BaseScore", "--set", "port=70000"}, "at most 65535"},
        {{"apply", "--filter", "BaseScore", "--set", "LoneScore.x=1"}, "not selected"},
        {{"apply", "--filter", "BaseScore", "--from-tag", "x"}, "no flag --from-tag"},
        {{"apply", "--filter", "MoonScore", "--yes"}, "moon-host/1"},
        {{"apply", "--all", "--context", "loca"}, "did you mean \"local\""},
        {{"apply", "--all", "--file", "nowhere.yaml"}, "no file nowhere.yaml"},
        {{"apply", "nowhere.plan"}, "no saved plan"},
        {{"apply", "--all", "--output", "jsn"}, "did you mean \"json\""},
        {{"scores", "show", "AppScor"}, "did you mean \"AppScore\""},
        {{"topologies", "show", "LocalTopolgy"}, "did you mean \"LocalTopology\""},
        {{"plugins", "show", "fak"}, "did you mean"},
        {{"context", "use", "lcal"}, "did you mean \"local\""},
        {{"context", "create", "Bad_Name"}, "no context name"},
        {{"e2e", "run", "round-tripp"}, "did you mean \"round-trip\""},
        {{"fake", "echo"}, "needs WORD"},
        {{"fake", "echo", "a", "--times", "x"}, "a whole number"},
        {{"fake", "ecko", "a"}, "did you mean \"fake echo\""},
        {{"completion", "tcsh"}, "one of bash, zsh, fish"},
    }));
    Machine machine;
    const auto before = machine.trace();
    INFO(row.words.front());
    CHECK(machine.run(row.words) == 2);
    CHECK_THAT(machine.err, Contains(row.said));
    CHECK(machine.world.prepared == 0);
    CHECK(machine.trace() == before);
}

TEST_CASE("A composition selects, orders and types, and its errors say where") {
    Machine machine;
    machine.write("work/harmony.yaml", "scores:\n  - score: BaseScore\n    with:\n      port: 5000\n");
    REQUIRE(machine.run({"apply", "--yes"}) == 0);
    CHECK(machine.world.objects.size() == 1);
    CHECK(machine.world.objects["BaseScore"]["port"] == 5000);
    machine.write("work/harmony.yaml", "scores:\n  - score: BaseScore\n    with:\n      prt: 5000\n");
    CHECK(machine.run({"apply", "--all", "--yes"}) == 2);
    CHECK_THAT(machine.err, Contains("harmony.yaml:4:12: BaseScore.prt"));
    CHECK_THAT(machine.err, Contains("did you mean \"port\""));
    machine.write("work/harmony.yaml", "scores:\n  - score: BasScore\n");
    CHECK(machine.run({"plan", "--all"}) == 2);
    CHECK_THAT(machine.err, Contains("harmony.yaml:2:5"));
    machine.write("work/harmony.yaml", "scores: [\n");
    CHECK(machine.run({"plan", "--all"}) == 2);
    machine.write("work/harmony.yaml", "context: nope\nscores: []\n");
    CHECK(machine.run({"plan", "--all"}) == 2);
    CHECK_THAT(machine.err, Contains("there is no context \"nope\""));
}

TEST_CASE("A flag of a selected Score is accepted, documented and completed") {
    Machine machine;
    REQUIRE(machine.run({"apply", "--filter", "AppScore", "--from-tag", "v9", "--yes"}) == 0);
    CHECK(machine.world.objects["AppScore"]["tag"] == "v9");
    REQUIRE(machine.run({"apply", "--filter", "AppScore", "--help"}) == 0);
    CHECK_THAT(machine.out, Contains("--from-tag"));
    REQUIRE(machine.run({"__complete", "--", "apply", "--filter", "AppScore", "--fr"}) == 0);
    CHECK(machine.out == "--from-tag\n");
}

TEST_CASE("Completion offers commands, contributed commands and Scores") {
    Machine machine;
    REQUIRE(machine.run({"__complete", "--", "sc"}) == 0);
    CHECK(machine.out == "scores\n");
    REQUIRE(machine.run({"__complete", "--", "fake", ""}) == 0);
    CHECK(machine.out == "echo\n");
    REQUIRE(machine.run({"__complete", "--", "apply", "--filter", "Ba"}) == 0);
    CHECK(machine.out == "BaseScore\n");
}

TEST_CASE("Every source of a value is shown, and a secret is not") {
    Machine machine;
    machine.write("work/harmony.yaml",
                  "scores:\n  - score: BaseScore\n    with: {port: 1, devices: [{id: a}]}\n");
    machine.variables["HARMONY_CONFIG_BaseScore"] = R"({"password":"hunter2","port":2})";
    machine.variables["HARMONY_CONFIG_BaseScore__PORT"] = "3";
    REQUIRE(machine.run({"config", "explain", "BaseScore"}) == 0);
    CHECK_THAT(machine.out, Contains("HARMONY_CONFIG_BaseScore__PORT"));
    CHECK_THAT(machine.out, Contains("harmony.yaml"));
    CHECK_THAT(machine.out, Contains("***"));
    CHECK(machine.out.find("hunter2") == std::string::npos);
    REQUIRE(machine.run({"config", "explain", "BaseScore", "--set", "port=4"}) == 0);
    CHECK_THAT(machine.out, Contains("--set"));
}

TEST_CASE("A command of a plugin runs with its arguments typed") {
    Machine machine;
    REQUIRE(machine.run({"fake", "echo", "hello", "--times", "3", "--output", "json"}) == 0);
    CHECK(machine.json()["data"]["times"] == 3);
    REQUIRE(machine.run({"fake", "echo", "hello"}) == 0);
    CHECK(machine.out == "said hello\n");
    REQUIRE(machine.run({"--help"}) == 0);
    CHECK_THAT(machine.out, Contains("fake echo"));
}

TEST_CASE("A scenario runs in a context of its own and leaves nothing") {
    Machine machine;
    REQUIRE(machine.run({"e2e", "run", "--all", "--junit", "report.xml"}) == 0);
    CHECK(machine.world.count("LoneScore score.apply") == 1);
    CHECK(machine.world.objects.empty());
    CHECK(machine.world.released == 1);
    std::ifstream report(machine.root + "/work/report.xml");
    const std::string text{std::istreambuf_iterator<char>(report), {}};
    CHECK_THAT(text, Contains("tests=\"1\" failures=\"0\""));
}

TEST_CASE("Contexts are created, used and deleted, but not while something is deployed in them") {
    Machine machine;
    REQUIRE(machine.run({"context", "create", "bench", "--topology", "LocalTopology"}) == 0);
    REQUIRE(machine.run({"context", "use", "bench"}) == 0);
    REQUIRE(machine.run({"context", "show", "--output", "json"}) == 0);
    CHECK(machine.json()["context"]["name"] == "bench");
    REQUIRE(machine.run({"apply", "--filter", "LoneScore", "--yes"}) == 0);
    CHECK(machine.run({"context", "delete", "bench"}) == 2);
    REQUIRE(machine.run({"destroy", "--all", "--yes"}) == 0);
    CHECK(machine.run({"context", "delete", "bench"}) == 0);
    REQUIRE(machine.run({"context", "list", "--output", "json"}) == 0);
    CHECK(machine.json()["contexts"].size() == 1);
}

TEST_CASE("Every listing works for people and for programs") {
    const auto words = GENERATE(values<std::vector<std::string>>({{"scores", "list"},
                                                                  {"scores", "show", "BaseScore"},
                                                                  {"topologies", "list"},
                                                                  {"topologies", "show", "LocalTopology"},
                                                                  {"plugins", "list"},
                                                                  {"plugins", "show", "fake"},
                                                                  {"context", "list"},
                                                                  {"context", "show"},
                                                                  {"e2e", "list"},
                                                                  {"doctor"},
                                                                  {"status"},
                                                                  {"version"}}));
    Machine machine;
    CHECK(machine.run(words) == 0);
    CHECK_FALSE(machine.out.empty());
    auto json = words;
    json.insert(json.end(), {"--output", "json"});
    CHECK(machine.run(json) == 0);
    CHECK(machine.json()["harmony"].contains("schema"));
    CHECK(machine.out.starts_with("{\"harmony\":"));
}

TEST_CASE("A broken plugin is reported with its reason and does not hide the others") {
    Machine machine;
    machine.write("lib/harmony/plugins/harmony-broken.so", "no ELF at all");
    CHECK(machine.run({"scores", "list"}) == 0);
    CHECK_THAT(machine.out, Contains("BaseScore"));
    CHECK_THAT(machine.err, Contains("harmony-broken.so cannot be used"));
    CHECK(machine.run({"doctor"}) == 1);
    CHECK(machine.run({"apply", "--filter", "LoneScore", "--yes"}) == 0);
}
