// Rollouts through the reducer: what a step takes, what stops it, and what is known again after a restart.
#include <catch2/catch.hpp>

#include "fleet_builders.hpp"
#include "harmony/operator/reducer.hpp"

using namespace harmony::op;
using namespace harmony::op::testing;
namespace contracts = harmony::contracts;
using contracts::Phase;

namespace {

// A Deployment "web" with strategy Rolling, and a store for its rollout.
struct Rollout {
    std::unique_ptr<Reducer> reducer = std::make_unique<Reducer>();
    FakeBucket bucket;
    FakeRollouts store;
    contracts::Timestamp now = at(1000);
    contracts::Rolling limits;
    contracts::Deployment web = deployment("web", selector({}), "img:1");
    double report = 1;

    explicit Rollout(int devices, contracts::Rolling rolling = {}) : limits(rolling) {
        bucket.snapshot_to(*reducer, now);
        for (int number = 0; number < devices; ++number)
            add(name(number));
        apply("img:1");
        for (int number = 0; number < devices; ++number)
            says(name(number), Phase::Running, "img:1");
        settle();
    }
    static std::string name(int number) { return "d" + std::to_string(number); }
    void tell(const Event& event) { reducer->apply(event, now); }
    void add(const std::string& device) {
        tell(DeviceKnown{device_id(device), {}});
        alive(device);
    }
    void alive(const std::string& device) {
        tell(HeartbeatSeen{device_id(device), digest(*reducer, device, store), now});
    }
    void apply(const std::string& image, bool paused = false) {
        web.spec.rollout = limits;
        web.spec.paused = paused;
        web.spec.score = score(image);
        ++web.metadata.generation;
        tell(store.apply(web));
    }
    void says(const std::string& device, Phase phase, const std::string& image) {
        tell(StateReported{device_id(device), state("web", phase, score(image), at(report++), "broken")});
    }
    // The ids that the next step takes; it is stored and told.
    std::vector<std::string> step() {
        std::vector<std::string> taken;
        for (const RolloutStep& next : reducer->take_rollout_steps(100, now)) {
            for (const auto& device : next.devices)
                taken.push_back(device.str());
            tell(store.commit(next));
        }
        return taken;
    }
    void settle() { REQUIRE(bucket.settle(*reducer, now)); }
    void pass(double seconds) {
        now = at(static_cast<double>(now.microseconds()) / 1e6 + seconds);
        tell(Tick{});
    }
    std::string holds(const std::string& device) const { return bucket.values.at(device + ".web"); }
    contracts::Condition progressing() {
        pass(1.1);
        (void)reducer->take_statuses(now);
        return reducer->status(deployment_name("web"))->conditions.at(1);
    }
    // As after a restart: from the store, the bucket and the reports, and then one heartbeat each.
    void restart(int devices, bool bucket_lost) {
        reducer = std::make_unique<Reducer>();
        if (bucket_lost) bucket.values.clear();
        for (int number = 0; number < devices; ++number)
            tell(DeviceKnown{device_id(name(number)), {}});
        tell(store.known());
        tell(store.rollout());
        bucket.snapshot_to(*reducer, now);
    }
};

using Names = std::vector<std::string>;
const auto kTwoAtATime = contracts::Rolling{{2, false}, std::chrono::seconds{0}, {0, false}};

}  // namespace

TEST_CASE("a changed score goes out by id, and further as devices report that they run it") {
    Rollout fleet(5, kTwoAtATime);
    fleet.apply("img:2");
    CHECK(fleet.step() == Names{"d0", "d1"});
    CHECK(fleet.step().empty());
    fleet.settle();
    CHECK(fleet.holds("d1") == score("img:2").encode());
    CHECK(fleet.holds("d2") == score("img:1").encode());
    CHECK(fleet.progressing().message == "2 of 5 updated, 2 unavailable");
    CHECK(fleet.progressing().reason == "RollingOut");
    fleet.says("d1", Phase::Pending, "img:2");
    CHECK(fleet.step().empty());
    fleet.says("d1", Phase::Running, "img:2");
    CHECK(fleet.step() == Names{"d2"});
    fleet.says("d0", Phase::Running, "img:2");
    fleet.says("d2", Phase::Running, "img:2");
    CHECK(fleet.step() == Names{"d3", "d4"});
    fleet.says("d3", Phase::Running, "img:2");
    CHECK(fleet.step().empty());
    CHECK(fleet.store.record.in_progress());
    fleet.says("d4", Phase::Running, "img:2");
    CHECK(fleet.step().empty());  // finished
    CHECK(fleet.store.record.base == 0);
    CHECK(fleet.store.record.older.empty());
    fleet.settle();
    CHECK(fleet.progressing().reason == "Complete");
    CHECK(fleet.reducer->status(deployment_name("web"))->rollout == contracts::RolloutStatus{5, 0});
}

TEST_CASE("a step holds only once it is stored and told back") {
    Rollout fleet(3);
    fleet.apply("img:2");
    const auto proposed = fleet.reducer->take_rollout_steps(100, fleet.now);
    REQUIRE(proposed.size() == 1);
    fleet.settle();
    CHECK(fleet.holds("d0") == score("img:1").encode());
    CHECK(fleet.reducer->take_rollout_steps(100, fleet.now).size() == 1);
    CHECK(fleet.step() == Names{"d0"});
    fleet.settle();
    CHECK(fleet.holds("d0") == score("img:2").encode());
}

TEST_CASE("a device counts as available only after it has run the newest score for minReadySeconds") {
    Rollout fleet(3, {{1, false}, std::chrono::seconds{10}, {0, false}});
    fleet.apply("img:2");
    CHECK(fleet.step() == Names{"d0"});
    fleet.says("d0", Phase::Running, "img:2");
    fleet.pass(9);
    CHECK(fleet.step().empty());
    fleet.says("d0", Phase::Pending, "img:2");  // and it starts again
    fleet.says("d0", Phase::Running, "img:2");
    fleet.pass(9);
    CHECK(fleet.step().empty());
    fleet.pass(1);
    CHECK(fleet.step() == Names{"d1"});
}

TEST_CASE("a clock that steps back makes nobody wait longer for minReadySeconds, and nobody less") {
    Rollout fleet(3, {{1, false}, std::chrono::seconds{10}, {0, false}});
    fleet.pass(1'000'000);
    for (int number = 0; number < 3; ++number)
        fleet.alive(Rollout::name(number));
    fleet.apply("img:2");
    CHECK(fleet.step() == Names{"d0"});
    fleet.says("d0", Phase::Running, "img:2");
    fleet.pass(6);
    fleet.pass(-900'000);
    fleet.pass(3);
    CHECK(fleet.step().empty());
    fleet.pass(1);
    CHECK(fleet.step() == Names{"d1"});
}

TEST_CASE("failures halt a rollout with the device named, and recovery, a limit or a new score resume it") {
    Rollout fleet(6, {{3, false}, std::chrono::seconds{0}, {0, false}});
    fleet.apply("img:2");
    CHECK(fleet.step() == Names{"d0", "d1", "d2"});
    fleet.says("d0", Phase::Running, "img:2");
    fleet.says("d1", Phase::Failed, "img:2");
    CHECK(fleet.step().empty());
    auto condition = fleet.progressing();
    CHECK(condition.reason == contracts::kReasonRolloutHalted);
    CHECK(condition.status == contracts::ConditionStatus::False);
    CHECK(condition.message ==
          "3 of 6 updated, 2 unavailable; halted: 1 failed, maxFailures is 0; d1: broken");
    CHECK(fleet.reducer->status(deployment_name("web"))->failures.at(0).device == "d1");
    SECTION("it recovers") {
        fleet.says("d1", Phase::Running, "img:2");
        CHECK(fleet.step() == Names{"d3", "d4"});
    }
    SECTION("the limit is raised") {
        fleet.limits.max_failures = {1, false};
        fleet.apply("img:2");
        CHECK(fleet.step() == Names{"d3"});
    }
    SECTION("the score changes: those that do not run go first") {
        fleet.apply("img:3");
        CHECK(fleet.step() == Names{"d1", "d2", "d0"});
    }
}

TEST_CASE("devices that were unavailable before count, and are the first to be updated") {
    Rollout fleet(5, kTwoAtATime);
    fleet.says("d3", Phase::Failed, "img:1");
    fleet.says("d4", Phase::Failed, "img:1");
    fleet.says("d2", Phase::Failed, "img:1");
    fleet.apply("img:2");
    CHECK(fleet.step() == Names{"d2", "d3"});
    fleet.says("d2", Phase::Running, "img:2");
    CHECK(fleet.step() == Names{"d4"});
    fleet.says("d3", Phase::Running, "img:2");
    CHECK(fleet.step() == Names{"d0"});
}

TEST_CASE("an offline device counts as unavailable, is not updated, and is named when all wait for it") {
    Rollout fleet(3);
    fleet.pass(80);
    fleet.alive("d1");
    fleet.alive("d2");
    fleet.pass(20);  // d0 is silent for 100 seconds
    fleet.apply("img:2");
    CHECK(fleet.step().empty());
    const auto condition = fleet.progressing();
    CHECK(condition.reason == "WaitingForDevices");
    CHECK(condition.message == "0 of 3 updated, 1 unavailable and maxUnavailable is 1: d0 is offline");
    fleet.alive("d0");
    CHECK(fleet.step() == Names{"d0"});
}

TEST_CASE("a paused rollout stands still, and a device that joins it gets the newest score") {
    Rollout fleet(3);
    fleet.apply("img:2");
    CHECK(fleet.step() == Names{"d0"});
    fleet.says("d0", Phase::Running, "img:2");
    fleet.apply("img:2", true);
    CHECK(fleet.step().empty());
    CHECK(fleet.progressing().reason == contracts::kReasonPaused);
    fleet.add("d9");
    fleet.settle();
    CHECK_FALSE(fleet.bucket.values.contains("d9.web"));  // not decided
    CHECK_FALSE(fleet.bucket.values.contains("d9._index"));
    CHECK(fleet.step() == Names{"d9"});
    fleet.settle();
    CHECK(fleet.holds("d9") == score("img:2").encode());
    CHECK(fleet.holds("d1") == score("img:1").encode());
    fleet.says("d9", Phase::Running, "img:2");
    fleet.apply("img:2");
    CHECK(fleet.step() == Names{"d1"});
}

TEST_CASE("a change on the way goes on to the newest, also from several generations") {
    Rollout fleet(4, kTwoAtATime);
    fleet.apply("img:2");
    CHECK(fleet.step() == Names{"d0", "d1"});
    fleet.says("d0", Phase::Running, "img:2");
    fleet.says("d1", Phase::Pending, "img:2");
    fleet.apply("img:3");
    CHECK(fleet.step() == Names{"d1", "d0"});
    fleet.settle();
    CHECK(fleet.holds("d0") == score("img:3").encode());
    fleet.says("d0", Phase::Running, "img:3");
    fleet.apply("img:4");
    fleet.settle();
    CHECK(fleet.holds("d0") == score("img:3").encode());
    CHECK(fleet.holds("d1") == score("img:3").encode());
    CHECK(fleet.holds("d2") == score("img:1").encode());
    fleet.apply("img:1");  // back, on purpose: d2 and d3 have it already
    fleet.says("d1", Phase::Running, "img:3");
    CHECK(fleet.step() == Names{"d0", "d1"});
    fleet.says("d0", Phase::Running, "img:1");
    fleet.says("d1", Phase::Running, "img:1");
    CHECK(fleet.step().empty());
    CHECK(fleet.store.record.base == 0);
}

TEST_CASE("AllAtOnce takes everyone, also out of the middle of a rollout") {
    Rollout fleet(4);
    fleet.apply("img:2");
    CHECK(fleet.step() == Names{"d0"});
    fleet.web.spec.rollout = contracts::AllAtOnce{};
    fleet.web.spec.score = score("img:3");
    fleet.tell(fleet.store.apply(fleet.web));
    fleet.settle();
    for (int number = 0; number < 4; ++number)
        CHECK(fleet.holds(Rollout::name(number)) == score("img:3").encode());
}

TEST_CASE("after a restart the rollout goes on, with and without the bucket, and never beyond its limit") {
    const bool bucket_lost = GENERATE(false, true);
    Rollout fleet(6, kTwoAtATime);
    fleet.apply("img:2");
    CHECK(fleet.step() == Names{"d0", "d1"});
    fleet.settle();
    fleet.says("d0", Phase::Running, "img:2");
    CHECK(fleet.step() == Names{"d2"});
    fleet.settle();
    const auto before = fleet.bucket.values;
    fleet.restart(6, bucket_lost);
    CHECK(fleet.step().empty());  // nobody is known to be online
    fleet.settle();
    CHECK(fleet.bucket.values == before);
    for (int number = 0; number < 6; ++number)
        fleet.alive(Rollout::name(number));
    CHECK(fleet.step().empty());  // nobody has reported
    fleet.says("d0", Phase::Running, "img:2");
    for (const char* device : {"d3", "d4", "d5"})
        fleet.says(device, Phase::Running, "img:1");
    CHECK(fleet.step().empty());  // d1 and d2 are on their way
    fleet.says("d1", Phase::Running, "img:2");
    CHECK(fleet.step() == Names{"d3"});
}

TEST_CASE("where devices are not stored, who is told of during a rollout has what the rollout gave it") {
    Rollout fleet(5, kTwoAtATime);
    fleet.apply("img:2");
    CHECK(fleet.step() == Names{"d0", "d1"});
    fleet.settle();
    const auto before = fleet.bucket.values;
    fleet.reducer = std::make_unique<Reducer>(devices_not_stored());
    const bool bucket_lost = GENERATE(false, true);
    if (bucket_lost) fleet.bucket.values.clear();
    fleet.tell(fleet.store.known());
    fleet.tell(fleet.store.rollout());
    fleet.bucket.snapshot_to(*fleet.reducer, fleet.now);
    fleet.settle();
    for (int number = 0; number < 5; ++number)
        fleet.add(Rollout::name(number));
    CHECK(fleet.step().empty());  // nobody has reported
    fleet.settle();
    CHECK(fleet.bucket.values == before);

    fleet.tell(DeviceForgotten{device_id("d1")});
    fleet.settle();
    CHECK_FALSE(fleet.bucket.values.contains("d1.web"));
    fleet.add("d1");
    CHECK(fleet.step().empty());
    fleet.settle();
    CHECK(fleet.bucket.values == before);

    for (const char* device : {"d0", "d1"})
        fleet.says(device, Phase::Running, "img:2");
    for (const char* device : {"d2", "d3", "d4"})
        fleet.says(device, Phase::Running, "img:1");
    CHECK(fleet.step() == Names{"d2", "d3"});
}

TEST_CASE("a rollout waits a while for those that it has updated and that nobody knows yet") {
    Rollout fleet(2, kTwoAtATime);
    fleet.apply("img:2");
    CHECK(fleet.step() == Names{"d0", "d1"});
    fleet.settle();
    fleet.reducer = std::make_unique<Reducer>(devices_not_stored());
    fleet.tell(fleet.store.known());
    fleet.tell(fleet.store.rollout());
    const bool bucket_lost = GENERATE(false, true);
    if (bucket_lost) fleet.bucket.values.clear();
    fleet.bucket.snapshot_to(*fleet.reducer, fleet.now);
    CHECK(fleet.step().empty());
    fleet.pass(299);
    CHECK(fleet.step().empty());
    CHECK(fleet.store.record.in_progress());
    fleet.pass(2);
    CHECK(fleet.step().empty());
    CHECK_FALSE(fleet.store.record.in_progress());
}

TEST_CASE("of two operators only one takes a step, and the other does the same without taking its own") {
    Rollout fleet(4, kTwoAtATime);
    Rollout twin(4, kTwoAtATime);
    fleet.apply("img:2");
    twin.tell(fleet.store.known());
    const auto mine = fleet.reducer->take_rollout_steps(100, fleet.now);
    const auto other = twin.reducer->take_rollout_steps(100, twin.now);
    REQUIRE(mine.size() == 1);
    REQUIRE(other.size() == 1);
    CHECK(mine[0].devices == other[0].devices);
    CHECK(fleet.store.accepts(mine[0]));
    fleet.tell(fleet.store.commit(mine[0]));
    CHECK_FALSE(fleet.store.accepts(other[0]));
    twin.tell(fleet.store.rollout());
    CHECK(twin.reducer->take_rollout_steps(100, twin.now).empty());
    fleet.settle();
    twin.settle();
    CHECK(fleet.bucket.values == twin.bucket.values);
}
