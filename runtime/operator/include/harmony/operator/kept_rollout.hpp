// What a cluster keeps of a Deployment beside it: the spec that the fleet is to hold, and the rollout.
//
// One small document, the header, changes with each step; whatever is large (scores, holdings of long ago)
// is in parts of their own, which are named by their content and never change. So a step of a rollout over
// many devices writes little, and no object comes near the size that a cluster allows.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/contracts/resources.hpp"
#include "harmony/operator/events.hpp"
#include "harmony/operator/rollout.hpp"

namespace harmony::op {

// The devices of one step.
struct HoldingGroup {
    std::int64_t version = 0;  // of the record, with this step
    ScoreHash score = 0;
    std::vector<contracts::DeviceId> devices;

    bool operator==(const HoldingGroup&) const = default;
};

// Groups that became a part.
struct SealedHoldings {
    std::string part;
    std::int64_t last_version = 0;
    std::vector<HoldingGroup> groups;

    bool operator==(const SealedHoldings&) const = default;
};

struct KeptRollout {
    std::int64_t generation = 0;                      // of the Deployment, as far as it is taken in
    std::optional<contracts::DeploymentSpec> active;  // see DeploymentKnown
    RolloutRecord record;
    std::vector<std::shared_ptr<const SealedHoldings>> sealed;  // older than `recent`
    std::vector<HoldingGroup> recent;

    // In the order of steps, so that a device's last one counts; -1 for all.
    void each_holding_since(std::int64_t version, const std::function<void(const Holding&)>& visit) const;
};

// What follows from the Deployment as it is now. `before`: what is kept of it, nothing where it is new.
[[nodiscard]] KeptRollout with_spec(const std::optional<KeptRollout>& before,
                                    const contracts::Deployment& now);
// With a step of the version that the record has.
[[nodiscard]] KeptRollout with_step(const KeptRollout& before, const RolloutStep& step);

// More than this of recent holdings is sealed. With a step and with scores of kInlineScoreBytes a header
// stays far below the MiB that a ConfigMap may hold.
inline constexpr std::size_t kRecentHoldingBytes = 96 * 1024;
inline constexpr std::size_t kInlineScoreBytes = 8 * 1024;
inline constexpr std::size_t kInlineScores = 16;
// Devices of one step: their names take at most a quarter of a MiB.
inline constexpr std::size_t kClusterStepDevices = 1'000;

struct EncodedRollout {
    std::string header;
    std::set<std::string> names;               // of the parts that the header needs
    std::map<std::string, std::string> parts;  // those of them that are not stored yet, with their text
};
[[nodiscard]] EncodedRollout encode_rollout(
    const KeptRollout& kept, const std::function<bool(const std::string& part)>& is_stored = {});

// Null where there is no such part.
using PartReader = std::function<const std::string*(const std::string& part)>;
// NotFound: a part is missing. Corrupt: names what was found and expected.
[[nodiscard]] Result<KeptRollout> decode_rollout(std::string_view header, const PartReader& part);

}  // namespace harmony::op
