#include "harmony/operator/reducer.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "fleet_builders.hpp"
#include "harmony/contracts/kv.hpp"

using namespace harmony::op;
using namespace harmony::op::testing;
namespace contracts = harmony::contracts;

namespace {

struct Fleet {
    Reducer reducer;
    FakeBucket bucket;
    contracts::Timestamp now = at(1000);

    explicit Fleet(ReducerOptions options = {}) : reducer(options) { bucket.snapshot_to(reducer, now); }
    void tell(const Event& event) { reducer.apply(event, now); }
    void settle() { REQUIRE(bucket.settle(reducer, now)); }
};

std::string index_of(const std::vector<std::string>& names) {
    contracts::DesiredIndex index;
    for (const auto& name : names)
        index.deployments.push_back(deployment_name(name));
    return index.encode();
}

}  // namespace

TEST_CASE("a matching device gets the score's canonical bytes and an index, another an empty index") {
    Fleet fleet;
    fleet.tell(DeviceKnown{device_id("a"), {{"site", "x"}}});
    fleet.tell(DeviceKnown{device_id("b"), {{"site", "y"}}});
    fleet.tell(known(deployment("web", selector({{"site", "x"}}), "img:1")));
    fleet.settle();
    CHECK(fleet.bucket.values == std::map<std::string, std::string>{{"a.web", score("img:1").encode()},
                                                                    {"a._index", index_of({"web"})},
                                                                    {"b._index", index_of({})}});
}

TEST_CASE("nothing is written twice when the same facts are told again") {
    Fleet fleet;
    for (int round = 0; round < 3; ++round) {
        fleet.tell(DeviceKnown{device_id("a"), {{"site", "x"}}});
        fleet.tell(known(deployment("web", selector({}), "img:1")));
        fleet.settle();
    }
    CHECK(fleet.bucket.writes == 2);
}

TEST_CASE("a changed label moves the device between deployments") {
    Fleet fleet;
    fleet.tell(DeviceKnown{device_id("a"), {{"site", "x"}}});
    fleet.tell(known(deployment("web", selector({{"site", "x"}}), "img:1")));
    fleet.tell(known(deployment("db", selector({{"site", "y"}}), "img:2")));
    fleet.settle();
    fleet.tell(DeviceKnown{device_id("a"), {{"site", "y"}}});
    fleet.settle();
    CHECK(fleet.bucket.values == std::map<std::string, std::string>{{"a.db", score("img:2").encode()},
                                                                    {"a._index", index_of({"db"})}});
}

TEST_CASE("a new device with no labels meets only selectors that need none") {
    Fleet fleet;
    contracts::LabelSelector absent;
    absent.match_expressions.push_back({"site", contracts::SelectorOperator::DoesNotExist, {}});
    fleet.tell(known(deployment("fallback", absent, "img:1")));
    fleet.tell(known(deployment("web", selector({{"site", "x"}}), "img:1")));
    fleet.tell(known(deployment("all", selector({}), "img:1")));
    fleet.tell(DeviceKnown{device_id("a"), {}});
    fleet.settle();
    CHECK(fleet.bucket.values.at("a._index") == index_of({"all", "fallback"}));
}

TEST_CASE("a deployment being deleted is released only when its keys are gone and that is acknowledged") {
    Fleet fleet;
    fleet.tell(DeviceKnown{device_id("a"), {}});
    auto web = deployment("web", selector({}), "img:1");
    fleet.tell(known(web));
    fleet.settle();
    web.metadata.deletion_timestamp = fleet.now;
    fleet.tell(known(web));
    CHECK(fleet.reducer.releasable_deployments().empty());
    const auto batch = fleet.reducer.take_writes(100, fleet.now);
    REQUIRE(batch.writes.size() == 2);
    CHECK(batch.writes[0].key == "a._index");
    CHECK(batch.writes[1].key == "a.web");
    CHECK_FALSE(batch.writes[1].value);
    CHECK(fleet.reducer.releasable_deployments().empty());
    fleet.tell(WritesAcknowledged{batch.number});
    CHECK(fleet.reducer.releasable_deployments() == std::vector{deployment_name("web")});
    fleet.tell(DeploymentGone{deployment_name("web")});
    CHECK(fleet.reducer.releasable_deployments().empty());
    CHECK_FALSE(fleet.reducer.status(deployment_name("web")));
}

TEST_CASE("a deletion whose write failed is released after the bucket has been read again") {
    Fleet fleet;
    fleet.tell(DeviceKnown{device_id("a"), {}});
    auto web = deployment("web", selector({}), "img:1");
    fleet.tell(known(web));
    fleet.settle();
    web.metadata.deletion_timestamp = fleet.now;
    fleet.tell(known(web));
    (void)fleet.reducer.take_writes(100, fleet.now);  // lost on the way
    fleet.tell(BucketUncertain{});
    CHECK(fleet.reducer.take_writes(100, fleet.now).writes.empty());
    fleet.bucket.snapshot_to(fleet.reducer, fleet.now);
    CHECK(fleet.reducer.releasable_deployments().empty());
    fleet.settle();
    CHECK(fleet.reducer.releasable_deployments() == std::vector{deployment_name("web")});
    CHECK(fleet.bucket.values.count("a.web") == 0);
}

TEST_CASE("a wiped bucket is written again and orphans in it are removed after everything else") {
    Fleet fleet;
    fleet.tell(DeviceKnown{device_id("a"), {}});
    fleet.tell(known(deployment("web", selector({}), "img:1")));
    fleet.settle();
    const auto wanted = fleet.bucket.values;
    fleet.bucket.values = {
        {"a.old", "{}"},     {"a._index", index_of({"old"})}, {"ghost._index", index_of({"web"})},
        {"ghost.web", "{}"}, {"a.web", "not the score"},      {"Not.A.Key", "left alone"}};
    fleet.bucket.snapshot_to(fleet.reducer, fleet.now);
    for (;;) {
        const auto batch = fleet.reducer.take_writes(1, fleet.now);
        if (batch.writes.empty()) break;
        (void)fleet.bucket.apply(batch);
    }
    auto expected = wanted;
    expected["Not.A.Key"] = "left alone";
    CHECK(fleet.bucket.values == expected);
}

TEST_CASE("an orphan whose device becomes known before its removal is kept") {
    Fleet fleet;
    fleet.tell(known(deployment("web", selector({}), "img:1")));
    fleet.bucket.values = {{"late.web", score("img:1").encode()}, {"late._index", index_of({"web"})}};
    fleet.bucket.snapshot_to(fleet.reducer, fleet.now);
    fleet.tell(DeviceKnown{device_id("late"), {}});
    fleet.settle();
    CHECK(fleet.bucket.values.size() == 2);
}

TEST_CASE(
    "where devices are not stored, one that nobody knows is asked and keeps what its Deployments gave it") {
    Fleet fleet(devices_not_stored());
    auto web = deployment("web", selector({{"site", "x"}}), "img:1");
    fleet.bucket.values = {
        {"a._index", index_of({"gone", "web"})}, {"a.gone", "{}"}, {"a.web", score("img:1").encode()}};
    fleet.tell(known(web));
    const bool beats = GENERATE(false, true);
    if (beats) fleet.tell(HeartbeatSeen{device_id("a"), "", fleet.now});
    fleet.bucket.snapshot_to(fleet.reducer, fleet.now);
    fleet.settle();
    CHECK(fleet.bucket.values == std::map<std::string, std::string>{{"a.web", score("img:1").encode()}});

    SECTION("until it says who it is") {
        fleet.tell(DeviceKnown{device_id("a"), {{"site", "x"}}});
        fleet.settle();
        CHECK(fleet.bucket.values == std::map<std::string, std::string>{{"a.web", score("img:1").encode()},
                                                                        {"a._index", index_of({"web"})}});
    }
    SECTION("until it says that it is another") {
        fleet.tell(DeviceKnown{device_id("a"), {{"site", "y"}}});
        fleet.settle();
        CHECK(fleet.bucket.values == std::map<std::string, std::string>{{"a._index", index_of({})}});
    }
    SECTION("until the Deployment goes, which waits for the key") {
        web.metadata.deletion_timestamp = fleet.now;
        fleet.tell(known(web));
        CHECK(fleet.reducer.releasable_deployments().empty());
        const auto batch = fleet.reducer.take_writes(7, fleet.now);
        CHECK(fleet.bucket.apply(batch));
        CHECK(fleet.bucket.values.empty());
        CHECK(fleet.reducer.releasable_deployments().empty());
        fleet.tell(WritesAcknowledged{batch.number});
        CHECK(fleet.reducer.releasable_deployments() == std::vector{deployment_name("web")});
    }
    SECTION("unless it is to be forgotten") {
        fleet.tell(DeviceKnown{device_id("a"), {{"site", "x"}}});
        fleet.settle();
        fleet.tell(DeviceForgotten{device_id("a")});
        fleet.bucket.snapshot_to(fleet.reducer, fleet.now);
        fleet.settle();
        CHECK(fleet.bucket.values.empty());
    }
}

TEST_CASE("only a report about the desired score counts, and a paused deployment keeps the score it had") {
    Fleet fleet;
    const auto web = deployment("web", selector({}), "img:1");
    for (const char* name : {"a", "b", "c"})
        fleet.tell(DeviceKnown{device_id(name), {}});
    fleet.tell(known(web));
    fleet.tell(StateReported{device_id("a"), state("web", contracts::Phase::Running, score("img:1"), at(1))});
    fleet.tell(StateReported{device_id("b"),
                             state("web", contracts::Phase::Failed, score("img:1"), at(2), "no image")});
    fleet.tell(StateReported{device_id("c"), state("web", contracts::Phase::Running, score("img:0"), at(3))});
    auto count = fleet.reducer.aggregate(deployment_name("web"));
    CHECK(count.matched_device_count == 3);
    CHECK(count.succeeded == 1);
    CHECK(count.failed == 1);
    CHECK(count.pending == 1);
    REQUIRE(count.last_error);
    CHECK(count.last_error->device == "b");
    CHECK(count.last_error->message == "no image");

    auto paused = web;
    paused.spec.paused = true;
    paused.spec.score = score("img:9");
    fleet.tell(DeploymentKnown{paused, web.spec, {}});
    CHECK(fleet.reducer.aggregate(deployment_name("web")) == count);
    fleet.settle();
    CHECK(fleet.bucket.values.at("a.web") == score("img:1").encode());
}

TEST_CASE("a score that goes back to what a device still runs counts as success without a new report") {
    Fleet fleet;
    fleet.tell(DeviceKnown{device_id("a"), {}});
    fleet.tell(known(deployment("web", selector({}), "img:1")));
    fleet.tell(StateReported{device_id("a"), state("web", contracts::Phase::Running, score("img:1"), at(1))});
    fleet.tell(known(deployment("web", selector({}), "img:2")));
    CHECK(fleet.reducer.aggregate(deployment_name("web")).succeeded == 0);
    fleet.tell(known(deployment("web", selector({}), "img:1")));
    CHECK(fleet.reducer.aggregate(deployment_name("web")).succeeded == 1);
}

TEST_CASE(
    "an older report is ignored, a withdrawn one does not count, and a replay withdraws what it leaves out") {
    Fleet fleet;
    fleet.tell(DeviceKnown{device_id("a"), {}});
    fleet.tell(known(deployment("web", selector({}), "img:1")));
    fleet.tell(StateReported{device_id("a"), state("web", contracts::Phase::Running, score("img:1"), at(5))});
    fleet.tell(StateReported{device_id("a"), state("web", contracts::Phase::Failed, score("img:1"), at(4))});
    CHECK(fleet.reducer.aggregate(deployment_name("web")).succeeded == 1);
    fleet.tell(StateWithdrawn{device_id("a"), deployment_name("web")});
    CHECK(fleet.reducer.aggregate(deployment_name("web")).pending == 1);
    fleet.tell(StateReported{device_id("a"), state("web", contracts::Phase::Running, score("img:1"), at(6))});
    fleet.tell(StateReplayBegan{});
    CHECK(fleet.reducer.aggregate(deployment_name("web")).succeeded == 1);
    fleet.tell(StateReplayEnded{});
    CHECK(fleet.reducer.aggregate(deployment_name("web")).succeeded == 0);
}

TEST_CASE("what a device that lost its last times says is asked for again where it came before its info") {
    Fleet fleet;
    fleet.tell(DeviceKnown{device_id("a"), {}});
    fleet.tell(known(deployment("web", selector({}), "img:1")));
    fleet.settle();
    const auto report = [&](contracts::Phase phase, double when) {
        fleet.tell(StateReported{device_id("a"), state("web", phase, score("img:1"), at(when))});
    };
    report(contracts::Phase::Failed, 2000);
    fleet.tell(DeviceKnown{device_id("a"), {}});
    CHECK(fleet.reducer.take_writes(10, fleet.now).writes.empty());
    report(contracts::Phase::Failed, 2001);
    report(contracts::Phase::Running, 100);
    CHECK(fleet.reducer.aggregate(deployment_name("web")).succeeded == 0);
    fleet.tell(DeviceKnown{device_id("a"), {}});
    const auto beat = [&] {
        fleet.now = at(static_cast<double>(fleet.now.seconds()) + 30);
        const auto held = contracts::desired_digest({{deployment_name("web"), score("img:1").hash()}});
        fleet.tell(HeartbeatSeen{device_id("a"), held, fleet.now});
        return fleet.reducer.take_writes(10, fleet.now).writes;
    };
    const auto asked = beat();
    REQUIRE(asked.size() == 1);
    CHECK(asked.front().key == "a._index");
    CHECK(*asked.front().value == index_of({"web"}));
    report(contracts::Phase::Running, 100);
    CHECK(fleet.reducer.aggregate(deployment_name("web")).succeeded == 1);
    CHECK(beat().empty());
}

TEST_CASE("a device that has connected anew may have lost its last times: what it says then is taken") {
    Fleet fleet;
    fleet.tell(DeviceKnown{device_id("a"), {}});
    fleet.tell(known(deployment("web", selector({}), "img:1")));
    fleet.tell(StateReported{device_id("a"), state("web", contracts::Phase::Failed, score("img:1"), at(5))});
    fleet.tell(DeviceKnown{device_id("a"), {}});
    CHECK(fleet.reducer.aggregate(deployment_name("web")).failed == 1);
    fleet.tell(StateReported{device_id("a"), state("web", contracts::Phase::Running, score("img:1"), at(4))});
    CHECK(fleet.reducer.aggregate(deployment_name("web")).succeeded == 1);
}

TEST_CASE("a report that a device has forgotten to delete is deleted once it holds what it should for long") {
    Fleet fleet;
    const std::string key = std::string(contracts::kDeviceStateBucket) + "/state.a.web";
    const std::string nothing = contracts::desired_digest({});
    fleet.tell(DeviceKnown{device_id("a"), {}});
    fleet.tell(StateReported{device_id("a"), state("web", contracts::Phase::Running, score("img:1"), at(1))});
    fleet.settle();
    const double reported = static_cast<double>(fleet.now.seconds());

    const auto beats = [&](double after, const std::string& digest) {
        fleet.now = at(reported + after);
        fleet.tell(HeartbeatSeen{device_id("a"), digest, fleet.now});
        fleet.settle();
        return fleet.bucket.other_deletes[key];
    };
    CHECK(beats(1'799, nothing) == 0);
    CHECK(beats(1'800, contracts::desired_digest({{deployment_name("web"), score("img:1").hash()}})) == 0);
    CHECK(beats(1'830, nothing) == 1);
    CHECK(fleet.reducer.device(device_id("a"), fleet.now).reported.empty());
    CHECK(beats(3'700, nothing) == 1);
}

TEST_CASE("a report about what a device is to hold is never left over") {
    Fleet fleet;
    fleet.tell(DeviceKnown{device_id("a"), {}});
    fleet.tell(known(deployment("web", selector({}), "img:1")));
    fleet.tell(StateReported{device_id("a"), state("web", contracts::Phase::Running, score("img:1"), at(1))});
    fleet.settle();
    fleet.now = at(static_cast<double>(fleet.now.seconds()) + 10'000);
    const std::string right = contracts::desired_digest({{deployment_name("web"), score("img:1").hash()}});
    fleet.tell(HeartbeatSeen{device_id("a"), right, fleet.now});
    fleet.settle();
    CHECK(fleet.bucket.other_deletes.empty());
    CHECK(fleet.reducer.aggregate(deployment_name("web")).succeeded == 1);
}

TEST_CASE(
    "a device that holds what it should and reports nothing is told the same index again, until it does") {
    Fleet fleet;
    fleet.tell(DeviceKnown{device_id("a"), {}});
    fleet.tell(known(deployment("web", selector({}), "img:1")));
    fleet.settle();
    const std::string right = contracts::desired_digest({{deployment_name("web"), score("img:1").hash()}});
    const auto writes_after_beat = [&](double when) {
        const auto before = fleet.bucket.writes;
        fleet.now = at(when);
        fleet.tell(HeartbeatSeen{device_id("a"), right, fleet.now});
        fleet.settle();
        return fleet.bucket.writes - before;
    };
    CHECK(writes_after_beat(1019) == 0);  // a report may be on its way
    CHECK(writes_after_beat(1020) == 1);
    CHECK(fleet.bucket.values.at("a._index") == index_of({"web"}));
    CHECK(writes_after_beat(1039) == 0);
    CHECK(writes_after_beat(1050) == 1);
    fleet.tell(StateReported{device_id("a"), state("web", contracts::Phase::Running, score("img:1"), at(5))});
    CHECK(writes_after_beat(1080) == 0);
    // The reports' bucket is lost.
    fleet.tell(StateReplayBegan{});
    fleet.tell(StateReplayEnded{});
    CHECK(fleet.reducer.aggregate(deployment_name("web")).succeeded == 0);
    CHECK(writes_after_beat(1110) == 1);
}

TEST_CASE("a report that came before its device and its deployment counts once both are known") {
    Fleet fleet;
    fleet.tell(StateReported{device_id("a"), state("web", contracts::Phase::Running, score("img:1"), at(1))});
    fleet.tell(known(deployment("web", selector({}), "img:1")));
    CHECK(fleet.reducer.aggregate(deployment_name("web")).matched_device_count == 0);
    fleet.tell(DeviceKnown{device_id("a"), {}});
    CHECK(fleet.reducer.aggregate(deployment_name("web")).succeeded == 1);
}

TEST_CASE("a device goes offline when its heartbeat is stale and online with the next") {
    Fleet fleet;
    fleet.tell(DeviceKnown{device_id("a"), {}});
    fleet.tell(HeartbeatSeen{device_id("a"), "0000000000000000", at(1000)});
    CHECK(fleet.reducer.counts().online == 1);
    CHECK(fleet.reducer.device(device_id("a"), at(1089)).online);
    CHECK_FALSE(fleet.reducer.device(device_id("a"), at(1090)).online);
    fleet.now = at(1050);
    fleet.tell(HeartbeatSeen{device_id("a"), "0000000000000000", at(1050)});
    fleet.now = at(1139);
    fleet.tell(Tick{});
    CHECK(fleet.reducer.counts().online == 1);
    fleet.now = at(1140);
    fleet.tell(Tick{});
    CHECK(fleet.reducer.counts().online == 0);
    fleet.tell(HeartbeatSeen{device_id("a"), "0000000000000000", at(1140)});
    CHECK(fleet.reducer.counts().online == 1);
}

TEST_CASE(
    "a clock that steps back neither keeps a silent device online nor a lost hint from being repeated") {
    constexpr double kBefore = 1'000'000;
    constexpr double kAfter = 2'000;
    Fleet fleet;
    fleet.now = at(kBefore);
    for (const char* name : {"a", "b"})
        fleet.tell(DeviceKnown{device_id(name), {}});
    fleet.tell(known(deployment("web", selector({}), "img:1")));
    fleet.settle();
    const std::string right = contracts::desired_digest({{deployment_name("web"), score("img:1").hash()}});
    for (const char* name : {"a", "b"})
        fleet.tell(HeartbeatSeen{device_id(name), right, fleet.now});
    fleet.now = at(kAfter);
    fleet.tell(Tick{});
    // Heard before the step, taken after it.
    fleet.tell(HeartbeatSeen{device_id("b"), right, at(kBefore)});
    CHECK(fleet.reducer.counts().online == 2);

    fleet.now = at(kAfter + 89);
    fleet.tell(Tick{});
    CHECK(fleet.reducer.counts().online == 2);
    fleet.now = at(kAfter + 90);
    fleet.tell(Tick{});
    CHECK(fleet.reducer.counts().online == 0);
    CHECK_FALSE(fleet.reducer.device(device_id("a"), fleet.now).online);

    const auto before = fleet.bucket.writes;
    fleet.tell(HeartbeatSeen{device_id("a"), contracts::desired_digest({}), fleet.now});
    fleet.settle();
    CHECK(fleet.bucket.writes == before + 2);
    CHECK(fleet.reducer.counts().online == 1);
}

TEST_CASE(
    "what a device still tells of a Deployment that it has not is deleted after half an hour of the same") {
    const bool clock_goes_back = GENERATE(false, true);
    constexpr double kReported = 1'000'000;
    const double begin = clock_goes_back ? 2'000 : kReported;
    Fleet fleet;
    fleet.now = at(kReported);
    fleet.tell(DeviceKnown{device_id("a"), {}});
    fleet.settle();
    fleet.tell(
        StateReported{device_id("a"), state("web", contracts::Phase::Running, score("img:1"), fleet.now)});
    const auto writes_after_beat = [&](double when) {
        const auto before = fleet.bucket.writes;
        fleet.now = at(when);
        fleet.tell(HeartbeatSeen{device_id("a"), contracts::desired_digest({}), fleet.now});
        fleet.settle();
        return fleet.bucket.writes - before;
    };
    CHECK(writes_after_beat(begin) == 0);
    CHECK(writes_after_beat(begin + 1'799) == 0);
    CHECK(writes_after_beat(begin + 1'800) == 1);
    CHECK(writes_after_beat(begin + 1'830) == 0);
}

TEST_CASE("a digest that stays wrong repeats the hint, a right or a too early one does not") {
    Fleet fleet;
    fleet.tell(DeviceKnown{device_id("a"), {}});
    fleet.tell(known(deployment("web", selector({}), "img:1")));
    fleet.settle();
    CHECK(fleet.bucket.writes == 2);
    const std::string right = contracts::desired_digest({{deployment_name("web"), score("img:1").hash()}});
    const std::string wrong = contracts::desired_digest({});
    fleet.tell(HeartbeatSeen{device_id("a"), wrong, at(1004)});
    fleet.tell(HeartbeatSeen{device_id("a"), right, at(1010)});
    fleet.settle();
    CHECK(fleet.bucket.writes == 2);
    fleet.now = at(1010);
    fleet.tell(HeartbeatSeen{device_id("a"), wrong, at(1010)});
    fleet.settle();
    CHECK(fleet.bucket.writes == 4);
    CHECK(fleet.reducer.counts().repeated_hints == 1);
    fleet.tell(HeartbeatSeen{device_id("a"), wrong, at(1011)});
    fleet.settle();
    CHECK(fleet.bucket.writes == 4);
}

TEST_CASE("a device that lives and that nobody knows is asked who it is by the deletion of its index") {
    Fleet fleet;
    const auto beat = [&](double seconds) {
        fleet.now = at(seconds);
        fleet.tell(HeartbeatSeen{device_id("a"), contracts::desired_digest({}), at(seconds)});
        return fleet.reducer.take_writes(10, at(seconds)).writes;
    };
    // A new device's info may be on the way.
    CHECK(beat(1000).empty());
    CHECK(beat(1004).empty());
    const auto asked = beat(1005);
    REQUIRE(asked.size() == 1);
    CHECK(asked.front().bucket == contracts::kDesiredStateBucket);
    CHECK(asked.front().key == "a._index");
    CHECK(asked.front().value == nullptr);
    CHECK(fleet.reducer.counts().repeated_hints == 1);
    CHECK(beat(1009).empty());
    CHECK(beat(1010).size() == 1);
    fleet.tell(DeviceKnown{device_id("a"), {}});
    const auto index = fleet.reducer.take_writes(10, at(1011)).writes;
    REQUIRE(index.size() == 1);
    CHECK(index.front().value != nullptr);
    CHECK(beat(1020).empty());
}

TEST_CASE("a forgotten device leaves no key in any bucket and may come back") {
    Fleet fleet;
    fleet.tell(DeviceKnown{device_id("a"), {}});
    fleet.tell(known(deployment("web", selector({}), "img:1")));
    fleet.tell(StateReported{device_id("a"), state("web", contracts::Phase::Running, score("img:1"), at(1))});
    fleet.settle();
    fleet.tell(DeviceForgotten{device_id("a")});
    fleet.settle();
    CHECK(fleet.bucket.values.empty());
    CHECK(fleet.bucket.other_deletes == std::map<std::string, int>{{"device-info/info.a", 1},
                                                                   {"device-heartbeat/heartbeat.a", 1},
                                                                   {"device-state/state.a.web", 1}});
    CHECK_FALSE(fleet.reducer.knows_device(device_id("a")));
    CHECK(fleet.reducer.releasable_devices() == std::vector{device_id("a")});
    fleet.tell(DeviceGone{device_id("a")});
    CHECK(fleet.reducer.releasable_devices().empty());
    // What it said meanwhile may have been deleted: it is asked once more.
    const auto asked = fleet.reducer.take_writes(10, fleet.now).writes;
    REQUIRE(asked.size() == 1);
    CHECK(asked.front().key == "a._index");
    CHECK(asked.front().value == nullptr);
    fleet.tell(DeviceKnown{device_id("a"), {}});
    fleet.settle();
    CHECK(fleet.bucket.values.size() == 2);
    CHECK(fleet.reducer.aggregate(deployment_name("web")).pending == 1);
}

TEST_CASE("what is deleted of a forgotten device is deleted again where that was lost") {
    Fleet fleet;
    fleet.tell(DeviceKnown{device_id("a"), {}});
    fleet.tell(known(deployment("web", selector({}), "img:1")));
    const auto report = state("web", contracts::Phase::Running, score("img:1"), at(1));
    fleet.tell(StateReported{device_id("a"), report});
    fleet.settle();
    fleet.tell(DeviceForgotten{device_id("a")});
    const auto lost = fleet.reducer.take_writes(10, fleet.now);
    REQUIRE(lost.writes.size() == 5);
    CHECK(fleet.reducer.releasable_devices().empty());
    fleet.tell(BucketUncertain{});
    fleet.tell(StateReplayBegan{});
    fleet.tell(StateReported{device_id("a"), report});
    fleet.tell(StateReplayEnded{});
    fleet.bucket.snapshot_to(fleet.reducer, fleet.now);
    CHECK(fleet.reducer.releasable_devices().empty());
    fleet.settle();
    CHECK(fleet.bucket.values.empty());
    CHECK(fleet.bucket.other_deletes == std::map<std::string, int>{{"device-info/info.a", 1},
                                                                   {"device-heartbeat/heartbeat.a", 1},
                                                                   {"device-state/state.a.web", 1}});
    CHECK(fleet.reducer.releasable_devices() == std::vector{device_id("a")});

    // What was acknowledged is not repeated by a later doubt.
    fleet.tell(BucketUncertain{});
    fleet.bucket.snapshot_to(fleet.reducer, fleet.now);
    CHECK(fleet.reducer.take_writes(10, fleet.now).writes.empty());
    CHECK(fleet.reducer.releasable_devices() == std::vector{device_id("a")});
}

TEST_CASE("a device selected by too many deployments holds the oldest, and the others say so") {
    constexpr int kSelecting = static_cast<int>(contracts::kMaxDeploymentsPerDevice) + 2;
    Fleet fleet;
    fleet.tell(DeviceKnown{device_id("a"), {}});
    const auto add = [&](int number) {
        // The newest have the names that sort first.
        auto document = deployment("app" + std::to_string(9'999 - number), selector({}), "img:1");
        document.metadata.creation_timestamp = at(number);
        fleet.tell(known(document));
        return deployment_name(document.metadata.name);
    };
    const auto oldest = add(0);
    for (int number = 1; number < kSelecting - 1; ++number)
        add(number);
    const auto newest = add(kSelecting - 1);
    fleet.settle();
    CHECK(fleet.bucket.values.size() == contracts::kMaxDeploymentsPerDevice + 1);
    const auto index = contracts::DesiredIndex::decode(fleet.bucket.values.at("a._index"));
    REQUIRE(index);
    CHECK(index->deployments.size() == contracts::kMaxDeploymentsPerDevice);
    CHECK(std::count(index->deployments.begin(), index->deployments.end(), oldest) == 1);
    CHECK(std::count(index->deployments.begin(), index->deployments.end(), newest) == 0);

    static_cast<void>(fleet.reducer.take_statuses(fleet.now));
    const auto status = fleet.reducer.status(newest);
    REQUIRE(status);
    CHECK(status->aggregate.matched_device_count == 1);
    CHECK(status->aggregate.pending == 1);
    CHECK(status->conditions.back().reason == "TooManyDeployments");
    CHECK(fleet.reducer.status(oldest)->conditions.back().reason == "NoFailure");

    auto leaving = deployment(oldest.str(), selector({{"site", "none"}}), "img:1");
    leaving.metadata.creation_timestamp = at(0);
    fleet.tell(known(leaving));
    fleet.settle();
    CHECK_FALSE(fleet.bucket.values.contains("a." + oldest.str()));
    CHECK(fleet.bucket.values.contains("a.app" + std::to_string(9'999 - kSelecting + 2)));
    CHECK_FALSE(fleet.bucket.values.contains("a." + newest.str()));
}
