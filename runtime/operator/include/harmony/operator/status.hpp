// What a Deployment's status says, as a function of its counters.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harmony/contracts/resources.hpp"
#include "harmony/contracts/timestamps.hpp"
#include "harmony/operator/rollout.hpp"

namespace harmony::op {

// With strategy Rolling.
struct RolloutInput {
    RolloutCounts counts;
    RolloutPlan plan;
    std::vector<std::string> unavailable;  // some of them, with what is wrong: "edge-1 is offline"
};

struct StatusInput {
    std::int64_t generation = 0;
    bool deleting = false;
    std::int64_t keys_left = 0;  // in the bucket, while deleting
    bool waiting = false;        // paused with a spec that the fleet does not hold
    std::int64_t excluded = 0;   // of the pending devices: they hold as many others as they may
    contracts::DeploymentAggregate aggregate;
    std::vector<contracts::AggregateError> failures;  // newest first
    std::optional<RolloutInput> rollout;
};

// A condition keeps its transition time while its status stays the same.
[[nodiscard]] contracts::DeploymentStatus derive_status(const StatusInput& input,
                                                        const std::vector<contracts::Condition>& previous,
                                                        contracts::Timestamp now);

}  // namespace harmony::op
