#include "harmony/operator/rollout.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "fleet_builders.hpp"

using namespace harmony::op;
using namespace harmony::op::testing;
namespace contracts = harmony::contracts;

namespace {

contracts::Rolling limits(contracts::CountOrPercent unavailable, contracts::CountOrPercent failures) {
    return {unavailable, std::chrono::seconds{0}, failures};
}

contracts::DeploymentSpec spec(const std::string& image, bool rolling = true) {
    contracts::DeploymentSpec result;
    result.score = score(image);
    if (rolling) result.rollout = contracts::Rolling{};
    return result;
}

RolloutCounts counts(std::int64_t matched, std::int64_t updated, std::int64_t unavailable) {
    RolloutCounts result;
    result.matched = matched;
    result.updated = updated;
    result.unavailable = unavailable;
    return result;
}

}  // namespace

TEST_CASE("as many available devices may go as fewer than the limit are unavailable") {
    CHECK(plan_rollout(limits({3, false}, {0, false}), counts(10, 0, 0)).available == 3);
    CHECK(plan_rollout(limits({3, false}, {0, false}), counts(10, 0, 2)).available == 1);
    CHECK(plan_rollout(limits({3, false}, {0, false}), counts(10, 0, 3)).available == 0);
    CHECK(plan_rollout(limits({3, false}, {0, false}), counts(10, 0, 9)).available == 0);
    CHECK(plan_rollout(limits({25, true}, {0, false}), counts(10, 0, 0)).available == 3);
    CHECK(plan_rollout(limits({1, true}, {0, false}), counts(10, 0, 0)).available == 1);
}

TEST_CASE("what already does not work is repaired within the limit, however much of it there is") {
    auto broken = counts(10, 0, 9);
    broken.repairable = 9;
    auto plan = plan_rollout(limits({2, false}, {0, false}), broken);
    CHECK(plan.phase == RolloutPhase::Rolling);
    CHECK(plan.repairable == 2);
    CHECK(plan.available == 0);
    broken.updated = 2;
    broken.in_flight = 2;
    broken.moving = 2;
    plan = plan_rollout(limits({2, false}, {0, false}), broken);
    CHECK(plan.repairable == 0);
    CHECK(plan.phase == RolloutPhase::Rolling);
}

TEST_CASE("a rollout halts above its failures, goes on at them, and a higher limit releases it") {
    auto failing = counts(10, 4, 2);
    failing.failed = 2;
    failing.in_flight = 2;
    CHECK(plan_rollout(limits({5, false}, {1, false}), failing).phase == RolloutPhase::Halted);
    CHECK(plan_rollout(limits({5, false}, {1, false}), failing).available == 0);
    CHECK(plan_rollout(limits({5, false}, {2, false}), failing).phase == RolloutPhase::Rolling);
    CHECK(plan_rollout(limits({5, false}, {11, true}), failing).available == 3);
    failing.paused = true;
    CHECK(plan_rollout(limits({5, false}, {2, false}), failing).phase == RolloutPhase::Paused);
    CHECK(plan_rollout(limits({5, false}, {2, false}), failing).available == 0);
}

TEST_CASE("a rollout waits when nobody may go and nobody is on the way, and is complete at the end") {
    auto stuck = counts(10, 1, 1);
    stuck.in_flight = 1;
    CHECK(plan_rollout(limits({1, false}, {5, false}), stuck).phase == RolloutPhase::Waiting);
    stuck.moving = 1;
    CHECK(plan_rollout(limits({1, false}, {5, false}), stuck).phase == RolloutPhase::Rolling);
    CHECK(plan_rollout(limits({1, false}, {5, false}), counts(10, 10, 4)).phase == RolloutPhase::Complete);
    CHECK(plan_rollout(limits({10, true}, {5, true}), counts(0, 0, 0)).phase == RolloutPhase::Complete);
}

TEST_CASE("whatever the counts, a plan leaves the limits kept") {
    std::mt19937 random(7);
    const auto pick = [&](std::int64_t most) {
        return static_cast<std::int64_t>(random() % static_cast<std::uint32_t>(most + 1));
    };
    for (int round = 0; round < 20'000; ++round) {
        RolloutCounts now;
        now.matched = 1 + pick(50);
        now.updated = pick(now.matched);
        now.in_flight = pick(now.updated);
        now.failed = pick(now.in_flight);
        now.moving = pick(now.in_flight - now.failed);
        const std::int64_t old = now.matched - now.updated;
        const std::int64_t old_unavailable = pick(old);
        now.unavailable = now.in_flight + old_unavailable;
        now.repairable = pick(old_unavailable);
        now.overtaken = pick(old_unavailable - now.repairable);
        now.overtaken_failed = pick(now.overtaken);
        now.in_flight += now.overtaken;
        const auto rolling = limits({1 + pick(60), pick(1) == 1}, {pick(20), pick(1) == 1});
        const RolloutPlan plan = plan_rollout(rolling, now);
        const std::int64_t limit = std::max<std::int64_t>(1, rolling.max_unavailable.of(now.matched));
        const std::int64_t taken = plan.repairable + plan.available;
        REQUIRE(plan.repairable <= now.repairable);
        REQUIRE(plan.overtaken <= (now.in_flight > limit ? now.overtaken_failed : now.overtaken));
        REQUIRE((taken == 0 || now.in_flight + taken <= limit));
        REQUIRE((plan.available == 0 || now.unavailable + plan.available <= limit));
        REQUIRE((taken == 0 || now.failed <= rolling.max_failures.of(now.matched)));
    }
}

TEST_CASE("a changed score makes the one before the base, and the next change keeps both") {
    const RolloutRecord first = next_rollout({}, std::nullopt, spec("img:1"));
    CHECK(first == RolloutRecord{});
    const RolloutRecord second = next_rollout(first, spec("img:1"), spec("img:2"));
    CHECK(second == RolloutRecord{1, 0, hash_of(score("img:1")), {score("img:1")}});
    const RolloutRecord third = next_rollout(second, spec("img:2"), spec("img:3"));
    CHECK(third == RolloutRecord{2, 0, hash_of(score("img:1")), {score("img:1"), score("img:2")}});
    const RolloutRecord back = next_rollout(third, spec("img:3"), spec("img:1"));
    CHECK(back == RolloutRecord{3, 0, hash_of(score("img:1")), {score("img:2"), score("img:3")}});
    CHECK(finished(back) == RolloutRecord{4, 1, 0, {}});
    CHECK(finished(finished(back)) == finished(back));
}

TEST_CASE("the same score again changes no rollout, and AllAtOnce ends it") {
    const RolloutRecord rolling = next_rollout({}, spec("img:1"), spec("img:2"));
    CHECK(next_rollout(rolling, spec("img:2"), spec("img:2")) == rolling);
    CHECK(next_rollout(rolling, spec("img:2"), spec("img:3", false)) == finished(rolling));
    CHECK(next_rollout({}, spec("img:1", false), spec("img:2", false)) == RolloutRecord{});
}
