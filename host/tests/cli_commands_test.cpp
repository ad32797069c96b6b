#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

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
    CHECK(machine.out == "echo\nstream\n");
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
    CHECK_THAT(text, Contains("tests=\"1\" failures=\"0\" skipped=\"0\""));
    CHECK_THAT(text, Contains("ok      there and back"));
    CHECK(std::filesystem::is_empty(machine.root + "/state/contexts"));
}

TEST_CASE("A scenario that fails says why, shows logs, and is cleaned up after all the same") {
    Machine machine;
    machine.world.scenario_stops_halfway = true;
    machine.world.scenario_answer =
        R"({"passed":false,"steps":[{"name":"it <works>","ok":false,"detail":"it does not","duration_ms":5}],)"
        R"("logs":[{"name":"daemon","lines":["last words"]}]})";
    REQUIRE(machine.run({"e2e", "run", "round-trip", "--output", "json", "--junit", "report.xml"}) == 1);
    const auto result = machine.json()["scenarios"][0];
    CHECK(result["outcome"] == "failed");
    CHECK(result["reason"] == "it <works>: it does not");
    CHECK_THAT(machine.err, Contains("last words"));
    CHECK(machine.world.objects.empty());
    std::ifstream report(machine.root + "/work/report.xml");
    const std::string text{std::istreambuf_iterator<char>(report), {}};
    CHECK_THAT(text, Contains("<failure message=\"it &lt;works&gt;: it does not\">"));
    CHECK_THAT(text, Contains("<system-err>== daemon"));
}

TEST_CASE("A scenario that names no Score fails as any other, and is cleaned up after") {
    Machine machine;
    machine.world.scenario_score = 5;
    CHECK(machine.run({"e2e", "run", "round-trip"}) == 1);
    CHECK_THAT(machine.out + machine.err, Contains("named no Score"));
    CHECK(std::filesystem::is_empty(machine.root + "/state/contexts"));
}

TEST_CASE("A scenario is skipped where the machine lacks what it needs, which is no failure") {
    Machine machine;
    SECTION("a capability") {
        machine.world.lacks_process_host = true;
        REQUIRE(machine.run({"e2e", "run", "--all", "--output", "json"}) == 0);
        CHECK_THAT(machine.json()["scenarios"][0]["reason"].get<std::string>(), Contains("no supervisor"));
    }
    SECTION("something that no capability names") {
        machine.world.scenario_answer = R"({"passed":false,"skipped":"no moon tonight"})";
        REQUIRE(machine.run({"e2e", "run", "--all", "--output", "json"}) == 0);
        CHECK(machine.json()["scenarios"][0]["reason"] == "no moon tonight");
    }
    CHECK(machine.json()["scenarios"][0]["outcome"] == "skipped");
    CHECK(machine.json()["scenarios"][0]["passed"] == false);
    CHECK(machine.world.objects.empty());
}

TEST_CASE("What a scenario made is kept on demand, is a context of the user's, and goes with e2e clean") {
    Machine machine;
    machine.world.scenario_stops_halfway = true;
    machine.world.scenario_answer =
        R"({"passed":true,"steps":[],"artifacts":[{"name":"address","path":"here"}],)"
        R"("commands":[{"command":"look at it","explanation":"what there is"}]})";
    const bool by_flag = GENERATE(true, false);
    std::vector<std::string> words{"e2e", "run", "round-trip"};
    if (by_flag) {
        words.emplace_back("--keep");
    } else {
        machine.variables["FLEET_E2E_KEEP"] = "1";
    }
    REQUIRE(machine.run(words) == 0);
    CHECK(machine.world.objects.size() == 1);
    CHECK_THAT(machine.err, Contains("look at it"));
    CHECK_THAT(machine.err, Contains("harmony e2e clean e2e-"));
    REQUIRE(machine.run({"context", "list", "--output", "json"}) == 0);
    CHECK(machine.json()["contexts"].size() == 2);

    // The next run leaves it alone.
    machine.variables.erase("FLEET_E2E_KEEP");
    REQUIRE(machine.run({"e2e", "run", "round-trip"}) == 0);
    REQUIRE(machine.run({"context", "list", "--output", "json"}) == 0);
    CHECK(machine.json()["contexts"].size() == 2);

    REQUIRE(machine.run({"e2e", "clean", "--all"}) == 0);
    CHECK_THAT(machine.out, Contains("taken away"));
    CHECK(machine.world.objects.empty());
    CHECK(std::filesystem::is_empty(machine.root + "/state/contexts"));
    REQUIRE(machine.run({"context", "list", "--output", "json"}) == 0);
    CHECK(machine.json()["contexts"].size() == 1);
    CHECK(machine.run({"e2e", "clean", "e2e-nothere"}) == 2);
}

TEST_CASE("e2e clean --all goes on where one context can't be taken away, names it and fails") {
    Machine machine;
    machine.world.scenario_stops_halfway = true;
    for (int run = 0; run < 3; ++run)
        REQUIRE(machine.run({"e2e", "run", "round-trip", "--keep"}) == 0);
    machine.world.failing_destroys = 1;
    REQUIRE(machine.run({"e2e", "clean", "--all", "--output", "json"}) == 1);
    const auto result = machine.json();
    CHECK(result["contexts"].size() == 2);
    REQUIRE(result["failed"].size() == 1);
    const std::string stuck = result["failed"][0]["context"];
    CHECK(result["failed"][0]["error"]["summary"] == stuck + ": it does not go");
    CHECK_THAT(machine.err, Contains("error: " + stuck + ": it does not go"));
    CHECK(std::filesystem::exists(machine.root + "/state/contexts/" + stuck));
    REQUIRE(machine.run({"context", "list", "--output", "json"}) == 0);
    CHECK(machine.json()["contexts"].size() == 2);  // the user's own is the other

    REQUIRE(machine.run({"e2e", "clean", "--all"}) == 0);
    CHECK(machine.out == stuck + ": taken away\n");
    CHECK(std::filesystem::is_empty(machine.root + "/state/contexts"));
}

TEST_CASE("A run that was killed is cleaned up after by the next one") {
    Machine machine;
    machine.world.scenario_stops_halfway = true;
    REQUIRE(machine.run({"e2e", "run", "round-trip", "--keep"}) == 0);
    // A kept context without its entry is what a kill leaves.
    std::filesystem::remove(machine.root + "/config/contexts.yaml");
    REQUIRE(machine.world.objects.size() == 1);
    machine.world.scenario_stops_halfway = false;
    REQUIRE(machine.run({"e2e", "run", "round-trip"}) == 0);
    CHECK_THAT(machine.err, Contains("which an interrupted run of round-trip has left"));
    CHECK(machine.world.objects.empty());
    CHECK(std::filesystem::is_empty(machine.root + "/state/contexts"));
}

TEST_CASE("An interrupted scenario is cleaned up after, and the run ends with 130") {
    Machine machine;
    machine.world.on_call = [&](const std::string& call) {
        if (call == "LoneScore score.verify") machine.cancellation.request();
    };
    REQUIRE(machine.run({"e2e", "run", "--all", "--output", "json"}) == 130);
    CHECK(machine.json()["scenarios"][0]["outcome"] == "interrupted");
    CHECK(machine.world.objects.empty());
    CHECK(machine.world.released == 1);
}

TEST_CASE("A destroy that deletes data finds what an earlier one has kept") {
    Machine machine;
    REQUIRE(machine.run({"apply", "--filter", "LoneScore", "--yes"}) == 0);
    REQUIRE(machine.run({"destroy", "--all", "--yes"}) == 0);
    const auto before = machine.world.count("LoneScore score.plan");
    REQUIRE(machine.run({"destroy", "--all", "--yes"}) == 0);
    CHECK(machine.world.count("LoneScore score.plan") == before);
    REQUIRE(machine.run({"destroy", "--all", "--delete-data", "--yes"}) == 0);
    CHECK(machine.world.count("LoneScore score.plan") > before);
    const auto after = machine.world.count("LoneScore score.plan");
    REQUIRE(machine.run({"destroy", "--all", "--delete-data", "--yes"}) == 0);
    CHECK(machine.world.count("LoneScore score.plan") == after);
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

TEST_CASE("A command that streams prints as it runs, and ends with the code it says") {
    Machine machine;
    CHECK(machine.run({"fake", "stream", "there", "one", "err", "two"}) == 3);
    CHECK(machine.out == "o | one\nt | two\n");
    CHECK(machine.err == "err\n");
    CHECK(machine.world.timeouts.back() == std::chrono::milliseconds(0));
    CHECK(machine.run({"fake", "stream", "there", "one", "--timeout", "7"}) == 1);
    CHECK(machine.world.timeouts.back() == std::chrono::seconds(7));
}

TEST_CASE("A stream as JSON is one document a line, the first of which says what they are") {
    Machine machine;
    CHECK(machine.run({"fake", "stream", "there", "one", "two", "--output", "json"}) == 2);
    std::vector<nlohmann::json> lines;
    std::istringstream out(machine.out);
    for (std::string line; std::getline(out, line);)
        lines.push_back(nlohmann::json::parse(line));
    REQUIRE(lines.size() == 4);
    CHECK(lines[0]["harmony"]["schema"] == "command-stream/1");
    CHECK(lines[0]["command"] == "fake stream");
    CHECK(lines[1]["word"] == "one");
    CHECK(lines[3]["end"]["data"]["words"] == 2);
}

TEST_CASE("A device's text cannot command the terminal, and reaches a pipe as it is") {
    Machine machine;
    const std::string word = "\x1b]0;mine\x07";
    CHECK(machine.run({"fake", "stream", "there", word}) == 1);
    CHECK_THAT(machine.out, Contains(word));
    CHECK(machine.run({"fake", "stream", "there", word}, "", true) == 1);
    CHECK_THAT(machine.out, !Contains("\x1b]"));
    CHECK_THAT(machine.out, Contains("?]0;mine?"));
}

TEST_CASE("What follows -- is another program's, whatever it looks like") {
    Machine machine;
    CHECK(machine.run({"fake", "stream", "there", "--far", "--", "ls", "-h", "--output", "--help"}) == 4);
    CHECK(machine.world.streamed["where"] == "there");
    CHECK(machine.world.streamed["far"] == true);
    CHECK(machine.world.streamed["words"] == std::vector<std::string>{"ls", "-h", "--output", "--help"});
}

TEST_CASE("A command that stands for another program says so with its exit code also when it fails") {
    Machine machine;
    CHECK(machine.run({"fake", "stream", "there"}) == 255);
    CHECK_THAT(machine.err, Contains("the far end is gone"));
}
