#include <catch2/catch.hpp>

#include "fleet_builders.hpp"
#include "harmony/operator/reducer.hpp"
#include "harmony/operator/status.hpp"

using namespace harmony::op;
using namespace harmony::op::testing;
namespace contracts = harmony::contracts;

namespace {

contracts::Condition find(const contracts::DeploymentStatus& status, std::string_view type) {
    for (const auto& condition : status.conditions) {
        if (condition.type == type) return condition;
    }
    FAIL("no condition " << type);
    return {};
}

StatusInput counts(std::int64_t matched, std::int64_t succeeded, std::int64_t failed) {
    StatusInput input;
    input.generation = 3;
    input.aggregate.matched_device_count = matched;
    input.aggregate.succeeded = succeeded;
    input.aggregate.failed = failed;
    input.aggregate.pending = matched - succeeded - failed;
    return input;
}

}  // namespace

TEST_CASE("a status is ready when every matched device runs the score, and not when there is none") {
    const auto True = contracts::ConditionStatus::True;
    const auto False = contracts::ConditionStatus::False;
    const auto all = derive_status(counts(2, 2, 0), {}, at(1));
    CHECK(find(all, "Ready").status == True);
    CHECK(find(all, "Progressing").status == False);
    CHECK(find(all, "Degraded").status == False);
    CHECK(all.observed_generation == 3);
    const auto mixed = derive_status(counts(3, 1, 1), {}, at(1));
    CHECK(find(mixed, "Ready").status == False);
    CHECK(find(mixed, "Progressing").status == True);
    CHECK(find(mixed, "Degraded").status == True);
    const auto none = derive_status(counts(0, 0, 0), {}, at(1));
    CHECK(find(none, "Ready").status == False);
    CHECK(find(none, "Ready").reason == "NoDeviceMatched");
}

TEST_CASE("a status tells the devices that hold as many other deployments as they may") {
    auto input = counts(3, 1, 1);
    input.excluded = 1;
    const auto status = derive_status(input, {}, at(1));
    CHECK(find(status, "Ready").status == contracts::ConditionStatus::False);
    CHECK(find(status, "Progressing").status == contracts::ConditionStatus::False);
    CHECK(find(status, "Degraded").status == contracts::ConditionStatus::True);
    CHECK(find(status, "Degraded").reason == "TooManyDeployments");
    CHECK(find(status, "Degraded").message.find("1 of 3 devices") == 0);
}

TEST_CASE("a condition keeps its transition time while its status stays") {
    const auto first = derive_status(counts(2, 1, 0), {}, at(1));
    const auto second = derive_status(counts(3, 1, 0), first.conditions, at(2));
    CHECK(find(second, "Ready").last_transition_time == at(1));
    const auto third = derive_status(counts(3, 3, 0), second.conditions, at(3));
    CHECK(find(third, "Ready").last_transition_time == at(3));
    CHECK(find(third, "Degraded").last_transition_time == at(1));
}

TEST_CASE("a status is told at once and then at most once a second, with the last word never lost") {
    Reducer reducer;
    reducer.apply(known(deployment("web", selector({}), "img:1")), at(10));
    CHECK(reducer.take_statuses(at(10)).size() == 1);
    std::size_t told = 0;
    for (int step = 1; step <= 30; ++step) {
        const auto now = at(10 + step * 0.1);
        reducer.apply(DeviceKnown{device_id("d" + std::to_string(step)), {}}, now);
        told += reducer.take_statuses(now).size();
    }
    CHECK(told == 3);
    reducer.apply(DeviceKnown{device_id("last"), {}}, at(13.05));
    CHECK(reducer.take_statuses(at(13.05)).empty());
    const auto final = reducer.take_statuses(at(14.1));
    REQUIRE(final.size() == 1);
    CHECK(final[0].status.aggregate.matched_device_count == 31);
    CHECK(reducer.take_statuses(at(20)).empty());
}

TEST_CASE("a clock that steps back does not silence a status") {
    Reducer reducer;
    reducer.apply(known(deployment("web", selector({}), "img:1")), at(1000));
    (void)reducer.take_statuses(at(1000));
    reducer.apply(DeviceKnown{device_id("a"), {}}, at(500));
    CHECK(reducer.take_statuses(at(500)).size() == 1);
}
