// How a changed score reaches the devices of a Deployment step by step. Pure functions.
//
// A device holds, until it is told otherwise, the score that it held before: the rollout's base. Those that
// were told another one since have a holding. Holdings are in the resource store before the first key that
// follows from them is written, so that neither a lost bucket nor a second operator forgets, repeats or
// reverses a step.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harmony/contracts/names.hpp"
#include "harmony/contracts/resources.hpp"

namespace harmony::op {

// A score is known by the FNV-1a hash of its canonical bytes, the number behind Score::hash().
using ScoreHash = std::uint64_t;
[[nodiscard]] ScoreHash hash_of(const contracts::Score& score);

// What the store keeps of a Deployment's rollout. Every change gets a greater version.
struct RolloutRecord {
    std::int64_t version = 0;
    // Counts how often all holdings were dropped: those of an earlier epoch mean nothing.
    std::int64_t epoch = 0;
    ScoreHash base = 0;                   // what devices without a holding hold; 0: the newest score
    std::vector<contracts::Score> older;  // every score that a device may hold beside the newest

    [[nodiscard]] bool in_progress() const { return base != 0; }
    bool operator==(const RolloutRecord&) const = default;
};

struct Holding {
    contracts::DeviceId device;
    ScoreHash score = 0;

    bool operator==(const Holding&) const = default;
};

// What becomes of the record when the active spec changes from `before` to `after`; the version grows by one
// where it changes at all. A first spec and AllAtOnce go everywhere at once.
[[nodiscard]] RolloutRecord next_rollout(const RolloutRecord& current,
                                         const std::optional<contracts::DeploymentSpec>& before,
                                         const std::optional<contracts::DeploymentSpec>& after);

// All devices are to hold the newest score: nothing older is needed any more.
[[nodiscard]] RolloutRecord finished(const RolloutRecord& current);

// Of the devices that match.
struct RolloutCounts {
    std::int64_t matched = 0;
    std::int64_t updated = 0;      // are to hold the newest score
    std::int64_t unavailable = 0;  // for any reason
    std::int64_t in_flight = 0;    // given a score by this rollout, and not become available with it
    std::int64_t failed = 0;       // at the newest score
    std::int64_t moving = 0;       // in flight, online and not failed
    // Not updated, online, and reported as not running what they hold:
    std::int64_t repairable = 0;        // those that still hold the base
    std::int64_t overtaken = 0;         // those in flight with an older score
    std::int64_t overtaken_failed = 0;  // of these, those that report it as failed
    bool paused = false;
};

enum class RolloutPhase {
    Complete,  // every device is to hold the newest score
    Rolling,
    Waiting,  // as many are unavailable as may be, and none of them is on its way
    Halted,   // too many failed
    Paused,
};

struct RolloutPlan {
    RolloutPhase phase = RolloutPhase::Complete;
    std::int64_t overtaken = 0;          // how many of the overtaken devices may be updated now
    bool overtaken_failed_only = false;  // and whether these have to be failed ones
    std::int64_t repairable = 0;         // beside them, how many of the repairable ones
    std::int64_t available = 0;          // and, beside both, how many of the available ones
    std::int64_t max_failures = 0;
    std::int64_t max_unavailable = 0;

    bool operator==(const RolloutPlan&) const = default;
};

// The limits, applied. Whatever is done of what it allows, the limits hold afterwards.
//
// More in flight than may be unavailable means that another operator has heard of devices that became
// available, and this one has not yet: one that only seems to be on its way must not be stopped in its work.
[[nodiscard]] RolloutPlan plan_rollout(const contracts::Rolling& limits, const RolloutCounts& counts);

}  // namespace harmony::op
