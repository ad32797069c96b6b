#include "harmony/operator/deployment_notes.hpp"

#include <catch2/catch.hpp>

#include "fleet_builders.hpp"

using namespace harmony::op;
using namespace harmony::op::testing;
namespace contracts = harmony::contracts;

namespace {

contracts::DeploymentStatus status(const std::string& progress, std::int64_t failed = 0) {
    contracts::DeploymentStatus result;
    result.aggregate = {4, 4 - failed, failed, 0, std::nullopt};
    result.conditions = {
        {"Progressing", contracts::ConditionStatus::True, progress, "so far", at(1)},
        {"Degraded", contracts::ConditionStatus::False, "", std::to_string(failed) + " of 4 fail", at(1)}};
    return result;
}

std::vector<std::string> reasons(const std::optional<contracts::DeploymentStatus>& before,
                                 const contracts::DeploymentStatus& after) {
    std::vector<std::string> result;
    for (const auto& note : notes_of_change(before, after))
        result.push_back(note.reason);
    return result;
}

using Reasons = std::vector<std::string>;

}  // namespace

TEST_CASE("people are told when a rollout begins, halts and ends, and when devices fail") {
    CHECK(reasons(status("Complete"), status("RollingOut")) == Reasons{"RolloutStarted"});
    CHECK(reasons(status("RollingOut"), status("WaitingForDevices")).empty());
    CHECK(reasons(status("RollingOut"), status("RolloutHalted", 2)) ==
          Reasons{"RolloutHalted", "DevicesFailed"});
    CHECK(reasons(status("RollingOut"), status("Complete")) == Reasons{"RolloutCompleted"});
    CHECK(reasons(status("DevicesPending"), status("Complete")) == Reasons{"RolloutCompleted"});
    CHECK(reasons(std::nullopt, status("Complete")).empty());
    auto quick = status("Complete");
    quick.observed_generation = 2;
    CHECK(reasons(status("Complete"), quick) == Reasons{"RolloutCompleted"});
    CHECK(reasons(status("Complete", 1), status("Complete", 1)).empty());
    CHECK(reasons(status("Complete"), status("InvalidSpec")) == Reasons{"InvalidSpec"});
    CHECK(reasons(status("InvalidSpec"), status("InvalidSpec")).empty());
}

TEST_CASE("failing devices are told of once in a while, and a Deployment can't flood the cluster") {
    NoteLimiter limiter;
    const std::vector<DeploymentNote> failed{{true, "DevicesFailed", "1 of 4 fail"}};
    CHECK(limiter.pass("uid", failed, at(1)).size() == 1);
    CHECK(limiter.pass("uid", failed, at(20)).empty());
    CHECK(limiter.pass("other", failed, at(20)).size() == 1);
    CHECK(limiter.pass("uid", failed, at(70)).size() == 1);
    std::size_t told = 0;
    for (int round = 0; round < 100; ++round)
        told += limiter.pass("uid", {{false, "RolloutStarted", "again"}}, at(71)).size();
    CHECK(told < 8);
    CHECK(limiter.pass("uid", {{false, "RolloutStarted", "again"}}, at(110)).size() == 1);
    CHECK(limiter.pass("other", failed, at(5)).size() == 1);  // the clock went back
}
