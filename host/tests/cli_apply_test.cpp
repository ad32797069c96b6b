#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <utility>

#include "fake_plugins.hpp"
#include "host/engine/context_lock.hpp"
#include "host/engine/journal.hpp"
#include "host/engine/records.hpp"

using namespace harmony::host;
using Catch::Contains;
using harmony::host::testing::Machine;

TEST_CASE("Applying twice changes nothing the second time, and verifies both times") {
    Machine machine;
    REQUIRE(machine.run({"apply", "--filter", "*Base*", "--yes"}) == 0);
    CHECK(machine.world.count("BaseScore score.apply") == 1);
    CHECK(machine.world.count("BaseScore score.plan") == 2);
    REQUIRE(machine.run({"apply", "--filter", "BaseScore", "--yes", "--output", "json"}) == 0);
    CHECK(machine.world.count("BaseScore score.apply") == 1);
    CHECK(machine.world.count("BaseScore score.plan") == 3);
    CHECK(machine.world.count("BaseScore score.verify") == 2);
    CHECK(machine.json()["scores"][0]["outcome"] == "unchanged");
    CHECK(machine.out.starts_with(R"({"harmony":{"schema":"apply/1")"));
}

TEST_CASE("A Score goes after the one it names, and all means what the topology can carry") {
    Machine machine;
    REQUIRE(machine.run({"apply", "--all", "--list", "--output", "json"}) == 0);
    const auto scores = machine.json()["scores"];
    REQUIRE(scores.size() == 3);
    CHECK(scores[0]["score"] == "BaseScore");
    CHECK(scores[1]["score"] == "AppScore");
    CHECK(scores[2]["score"] == "LoneScore");
}

TEST_CASE("Listing, planning and declining leave no trace") {
    Machine machine;
    const auto before = machine.trace();
    CHECK(machine.run({"apply", "--all", "--list"}) == 0);
    CHECK(machine.world.processes == 0);
    CHECK(machine.run({"plan", "--all"}) == 0);
    CHECK(machine.run({"plan", "--all", "--detailed-exitcode"}) == 4);
    CHECK(machine.run({"apply", "--all"}, "n\n", true) == 3);
    CHECK(machine.run({"apply", "--all"}, "", true) == 3);
    CHECK(machine.run({"apply", "--all"}) == 2);
    CHECK_THAT(machine.err, Contains("--yes"));
    CHECK(machine.trace() == before);
    CHECK(machine.world.prepared == 0);
    CHECK(machine.world.count("BaseScore score.apply") == 0);
}

TEST_CASE("An agreed question applies, with the answer typed on a terminal") {
    Machine machine;
    CHECK(machine.run({"apply", "--filter", "LoneScore"}, "y\n", true) == 0);
    CHECK(machine.world.objects.contains("LoneScore"));
    CHECK(machine.world.prepared == 1);
}

TEST_CASE("A plugin that dies in apply is one failed Score; those after it are skipped, the others finish") {
    Machine machine;
    machine.world.crash_in_apply = {"BaseScore"};
    CHECK(machine.run({"apply", "--all", "--yes", "--output", "json"}) == 1);
    const auto scores = machine.json()["scores"];
    CHECK(scores[0]["outcome"] == "failed");
    CHECK(scores[0]["error"]["code"] == "plugin.crashed");
    CHECK(scores[1]["outcome"] == "skipped");
    CHECK(scores[2]["outcome"] == "ok");
    machine.world.crash_in_apply.clear();
    CHECK(machine.run({"apply", "--all", "--yes"}) == 0);
    CHECK(machine.world.objects.size() == 3);
}

TEST_CASE("A Score that overlaps has its steps before the smoke test of the one it follows") {
    Machine machine(true);
    CHECK(machine.run({"apply", "--all", "--yes"}) == 0);
    const auto position = [&](const std::string& call) {
        return std::find(machine.world.calls.begin(), machine.world.calls.end(), call);
    };
    CHECK(position("BaseScore score.apply") < position("AppScore score.apply"));
    CHECK(position("AppScore score.apply") < position("BaseScore score.verify"));
    CHECK(position("BaseScore score.verify") < position("AppScore score.verify"));
    CHECK(position("AppScore score.verify") < position("LoneScore score.apply"));
    CHECK(machine.world.count("BaseScore score.read") == 1);
    const auto records = Records(machine.state()).all();
    REQUIRE(records);
    CHECK(records->size() == 3);
    for (const auto& [name, record] : *records) {
        INFO(name);
        CHECK(record.outcome == "ok");
    }
}

TEST_CASE("A Score that does not overlap waits for the smoke test of the one it follows") {
    Machine machine;
    REQUIRE(machine.run({"apply", "--all", "--yes"}) == 0);
    const auto& calls = machine.world.calls;
    CHECK(std::find(calls.begin(), calls.end(), "BaseScore score.verify") <
          std::find(calls.begin(), calls.end(), "AppScore score.apply"));
}

TEST_CASE("Where the smoke test before it fails, a Score that overlaps is applied and not called working") {
    Machine machine(true);
    machine.world.failing_verify = {"BaseScore"};
    CHECK(machine.run({"apply", "--all", "--yes", "--output", "json"}) == 1);
    const auto scores = machine.json()["scores"];
    CHECK(scores[0]["outcome"] == "unverified");
    CHECK(scores[1]["outcome"] == "unverified");
    CHECK(scores[1]["error"]["code"] == "run.not-verified");
    CHECK_THAT(scores[1]["error"]["summary"].get<std::string>(), Contains("BaseScore failed"));
    CHECK_THAT(scores[1]["error"]["hint"].get<std::string>(), Contains("apply again"));
    CHECK(scores[2]["outcome"] == "ok");
    CHECK(machine.world.count("AppScore score.verify") == 0);
    CHECK(Records(machine.state()).all()->at("AppScore").objects.size() == 1);
    machine.world.failing_verify.clear();
    CHECK(machine.run({"apply", "--all", "--yes"}) == 0);
}

TEST_CASE("Where a Score that overlaps fails, the one before it is tested all the same") {
    Machine machine(true);
    machine.world.crash_in_apply = {"AppScore"};
    CHECK(machine.run({"apply", "--all", "--yes", "--output", "json"}) == 1);
    const auto scores = machine.json()["scores"];
    CHECK(scores[0]["outcome"] == "ok");
    CHECK(scores[1]["outcome"] == "failed");
    CHECK(machine.world.count("BaseScore score.verify") == 1);
}

TEST_CASE("Applied is not working: a failing smoke test fails the run") {
    Machine machine;
    machine.world.failing_verify = {"LoneScore"};
    CHECK(machine.run({"apply", "--filter", "LoneScore", "--yes"}) == 1);
    CHECK_THAT(machine.err, Contains("answers"));
    CHECK(Records(machine.state()).all()->at("LoneScore").outcome == "unverified");
}

TEST_CASE("Yes never covers the deletion of data") {
    Machine machine;
    machine.world.destructive = {"LoneScore"};
    CHECK(machine.run({"apply", "--filter", "LoneScore", "--yes"}) == 2);
    CHECK(machine.run({"apply", "--filter", "LoneScore", "--yes"}, "y\n", true) == 3);
    CHECK(machine.world.objects.empty());
    CHECK(machine.run({"apply", "--filter", "LoneScore"}, "delete\n", true) == 0);
    machine.world.objects.clear();
    CHECK(machine.run({"apply", "--filter", "LoneScore", "--yes", "--delete-data"}) == 0);
}

TEST_CASE("A step that has come to delete data since it was shown is not carried out") {
    Machine machine;
    machine.world.on_call = [&](const std::string& call) {
        if (call == "LoneScore score.plan" && machine.world.count(call) == 2)
            machine.world.destructive = {"LoneScore"};
    };
    CHECK(machine.run({"apply", "--filter", "LoneScore", "--yes"}) == 1);
    CHECK_THAT(machine.err, Contains("with data"));
    CHECK_THAT(machine.err, Contains("--delete-data"));
    CHECK(machine.world.count("LoneScore score.apply") == 0);
}

TEST_CASE("A destroy that can't find out what is there has not succeeded") {
    Machine machine;
    machine.world.failing_plans = {"LoneScore"};
    CHECK(machine.run({"destroy", "--filter", "LoneScore", "--yes"}) == 1);
    CHECK_THAT(machine.err, Contains("nobody can be asked"));
}

TEST_CASE("Standard output holds one JSON document, also where a plan can't be saved") {
    Machine machine;
    CHECK(machine.run({"plan", "--filter", "LoneScore", "--output", "json", "--out", "/proc/nowhere/plan"}) ==
          1);
    CHECK(machine.json()["error"]["code"].is_string());
}

TEST_CASE("What exists is asked once, when a Score is done or has failed, and its record says it") {
    Machine machine;
    machine.world.failing_verify = {"LoneScore"};
    CHECK(machine.run({"apply", "--filter", "LoneScore", "--yes"}) == 1);
    CHECK(machine.world.count("LoneScore score.read") == 1);
    CHECK(Records(machine.state()).all()->at("LoneScore").objects.size() == 1);
    machine.world.failing_verify.clear();
    machine.world.failing_destroys = 1;
    CHECK(machine.run({"destroy", "--filter", "LoneScore", "--yes"}) == 1);
    CHECK(Records(machine.state()).all()->at("LoneScore").objects.size() == 1);
}

TEST_CASE("A destroy keeps its record where nobody tells what is left") {
    Machine machine;
    REQUIRE(machine.run({"apply", "--filter", "LoneScore", "--yes"}) == 0);
    machine.world.failing_reads = {"LoneScore"};
    CHECK(machine.run({"destroy", "--filter", "LoneScore", "--yes"}) == 1);
    CHECK_THAT(machine.err, Contains("nobody answers"));
    CHECK(Records(machine.state()).all()->at("LoneScore").outcome == "failed");
    machine.world.failing_reads.clear();
    CHECK(machine.run({"destroy", "--filter", "LoneScore", "--yes"}) == 0);
    CHECK(Records(machine.state()).all()->empty());
}

TEST_CASE("Destroy goes backwards, forgets the records and gives the topology back") {
    Machine machine;
    REQUIRE(machine.run({"apply", "--all", "--yes"}) == 0);
    machine.world.calls.clear();
    REQUIRE(machine.run({"destroy", "--all", "--yes"}) == 0);
    const auto position = [&](const std::string& call) {
        return std::find(machine.world.calls.begin(), machine.world.calls.end(), call);
    };
    CHECK(position("AppScore score.destroy") < position("BaseScore score.destroy"));
    CHECK(machine.world.objects.empty());
    CHECK(Records(machine.state()).all()->empty());
    CHECK(machine.world.released == 1);
    CHECK(machine.run({"destroy", "--all", "--yes"}) == 0);
    CHECK(machine.world.released == 1);
}

TEST_CASE("A Score that was changed beside harmony shows as drift") {
    Machine machine;
    REQUIRE(machine.run({"apply", "--filter", "LoneScore", "--yes"}) == 0);
    machine.world.objects.clear();
    REQUIRE(machine.run({"status", "--plan", "--output", "json"}) == 0);
    CHECK(machine.json()["scores"][0]["drift"] == "1 changes");
    CHECK(machine.json()["scores"][0]["live"].empty());
    CHECK(machine.json()["last_run"]["outcome"] == "ok");
}

TEST_CASE("A saved plan is applied exactly, and refused when something has changed since") {
    Machine machine;
    REQUIRE(machine.run({"plan", "--filter", "BaseScore", "--set", "port=1", "--out", "p"}) == 0);
    REQUIRE(machine.run({"apply", "p", "--yes"}) == 0);
    CHECK(machine.world.objects["BaseScore"]["port"] == 1);
    CHECK(machine.run({"apply", "p", "--yes"}) == 1);
    CHECK_THAT(machine.err, Contains("run.drift"));
}

TEST_CASE("A run that was killed is noticed, planned anew and finished by the next one") {
    Machine machine;
    {
        REQUIRE(ensure_folders(machine.state()));
        auto journal = Journal::begin(machine.state(), "20200101T000000Z-00000000", "apply", {"LoneScore"});
        REQUIRE(journal);
        REQUIRE(journal->intent("LoneScore", "a", "create"));
    }
    CHECK(machine.run({"status", "--output", "json"}) == 0);
    CHECK(machine.json()["last_run"]["outcome"] == "killed");
    CHECK(machine.run({"apply", "--filter", "LoneScore", "--yes"}) == 0);
    CHECK_THAT(machine.err, Contains("was interrupted during step a of LoneScore"));
    CHECK(machine.run({"status", "--output", "json"}) == 0);
    CHECK(machine.json()["last_run"]["outcome"] == "ok");
}

TEST_CASE("Each step is announced before it begins") {
    Machine machine;
    machine.world.on_call = [&](const std::string& call) {
        if (call != "LoneScore score.apply") return;
        const auto journal = last_journal(machine.state());
        REQUIRE(journal);
        CHECK(journal->step_unfinished);
        CHECK(journal->last_score == "LoneScore");
        CHECK(Records(machine.state()).all()->at("LoneScore").outcome == "applying");
    };
    CHECK(machine.run({"apply", "--filter", "LoneScore", "--yes"}) == 0);
    CHECK(machine.world.count("LoneScore score.apply") == 1);
}

TEST_CASE("A plan without a step is made again when another run has ended since") {
    Machine machine;
    REQUIRE(machine.run({"apply", "--all", "--yes"}) == 0);
    bool destroyed = false;
    machine.world.on_call = [&](const std::string& call) {
        if (call != "LoneScore score.plan" || std::exchange(destroyed, true)) return;
        machine.world.objects.erase("BaseScore");
        auto journal = Journal::begin(machine.state(), new_run_id(), "destroy", {"BaseScore"});
        REQUIRE(journal);
        REQUIRE(journal->end("ok"));
    };
    CHECK(machine.run({"apply", "--all", "--yes", "--output", "json"}) == 0);
    CHECK(machine.json()["scores"][0]["outcome"] == "ok");
    CHECK(machine.world.objects.contains("BaseScore"));
}

TEST_CASE("A second run says who holds the context") {
    Machine machine;
    auto lock = ContextLock::acquire(machine.state(), "apply");
    REQUIRE(lock);
    CHECK(machine.run({"apply", "--filter", "LoneScore", "--yes"}) == 1);
    CHECK_THAT(machine.err, Contains("in use by harmony apply (process"));
}

TEST_CASE("Ctrl-C ends a run with 130 and a journal that says so") {
    Machine machine;
    machine.world.on_call = [&](const std::string& call) {
        if (call == "BaseScore score.apply") machine.cancellation.request();
    };
    CHECK(machine.run({"apply", "--all", "--yes"}) == 130);
    CHECK(last_journal(machine.state())->outcome == "interrupted");
    CHECK(machine.world.count("LoneScore score.apply") == 0);
}

TEST_CASE("Ctrl-C in a smoke test is no failure of the Score, nor of the one that follows it") {
    Machine machine(true);
    machine.world.failing_verify = {"BaseScore"};
    machine.world.on_call = [&](const std::string& call) {
        if (call == "BaseScore score.verify") machine.cancellation.request();
    };
    CHECK(machine.run({"apply", "--all", "--yes", "--output", "json"}) == 130);
    const auto scores = machine.json()["scores"];
    CHECK(scores[0]["outcome"] == "interrupted");
    CHECK(scores[1]["outcome"] == "interrupted");
    CHECK(machine.world.count("AppScore score.verify") == 0);
}

TEST_CASE("A destroy that is interrupted after its last step keeps its record, and asks nothing more") {
    Machine machine;
    REQUIRE(machine.run({"apply", "--filter", "LoneScore", "--yes"}) == 0);
    machine.world.calls.clear();
    machine.world.on_call = [&](const std::string& call) {
        if (call == "LoneScore score.destroy") machine.cancellation.request();
    };
    CHECK(machine.run({"destroy", "--filter", "LoneScore", "--yes"}) == 130);
    CHECK(machine.world.count("LoneScore score.read") == 0);
    CHECK(Records(machine.state()).all()->contains("LoneScore"));
}

TEST_CASE("Secrets are in no record, plan or output") {
    Machine machine;
    machine.variables["HARMONY_CONFIG_BaseScore__PASSWORD"] = "hunter2";
    REQUIRE(machine.run({"plan", "--filter", "BaseScore", "--out", "p"}) == 0);
    REQUIRE(machine.run({"apply", "p", "--yes", "--output", "json"}) == 0);
    CHECK(machine.world.objects["BaseScore"]["password"] == "hunter2");
    CHECK(machine.out.find("hunter2") == std::string::npos);
    CHECK(machine.err.find("hunter2") == std::string::npos);
    for (const auto& [path, content] : machine.trace()) {
        INFO(path);
        CHECK(content.find("hunter2") == std::string::npos);
    }
}
