#include "harmony/operator/rollout.hpp"

#include <algorithm>

#include "harmony/contracts/canonical_json.hpp"

namespace harmony::op {

ScoreHash hash_of(const contracts::Score& score) {
    return contracts::fnv1a64(score.encode());
}

RolloutRecord finished(const RolloutRecord& current) {
    if (!current.in_progress()) return current;
    return {current.version + 1, current.epoch + 1, 0, {}};
}

RolloutRecord next_rollout(const RolloutRecord& current,
                           const std::optional<contracts::DeploymentSpec>& before,
                           const std::optional<contracts::DeploymentSpec>& after) {
    if (!before || !after || std::holds_alternative<contracts::AllAtOnce>(after->rollout)) {
        return finished(current);
    }
    if (before->score == after->score) return current;
    RolloutRecord next = current;
    ++next.version;
    if (!next.in_progress()) next.base = hash_of(before->score);
    std::erase_if(next.older, [&](const contracts::Score& score) {
        return score == before->score || score == after->score;
    });
    next.older.push_back(before->score);
    return next;
}

RolloutPlan plan_rollout(const contracts::Rolling& limits, const RolloutCounts& counts) {
    RolloutPlan plan;
    // A share of nobody is nobody; nothing depends on it then.
    plan.max_unavailable = std::max<std::int64_t>(1, limits.max_unavailable.of(counts.matched));
    plan.max_failures = limits.max_failures.of(counts.matched);
    if (counts.updated >= counts.matched) return plan;
    if (counts.failed > plan.max_failures) {
        plan.phase = RolloutPhase::Halted;
        return plan;
    }
    if (counts.paused) {
        plan.phase = RolloutPhase::Paused;
        return plan;
    }
    plan.phase = RolloutPhase::Rolling;
    plan.overtaken_failed_only = counts.in_flight > plan.max_unavailable;
    plan.overtaken = plan.overtaken_failed_only ? counts.overtaken_failed : counts.overtaken;
    plan.repairable =
        std::min(std::max<std::int64_t>(0, plan.max_unavailable - counts.in_flight), counts.repairable);
    plan.available = std::max<std::int64_t>(0, plan.max_unavailable - counts.unavailable);
    const bool none_may_go = plan.overtaken == 0 && plan.repairable == 0 && plan.available == 0;
    if (none_may_go && counts.moving == 0) plan.phase = RolloutPhase::Waiting;
    return plan;
}

}  // namespace harmony::op
