// What people are told about a Deployment when its status changes. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harmony/contracts/resources.hpp"
#include "harmony/contracts/timestamps.hpp"
#include "harmony/operator/cluster_events.hpp"

namespace harmony::op {

inline constexpr std::string_view kReasonInvalidSpec = "InvalidSpec";
// The cluster refuses what has to be stored beside the Deployment: a quota, a missing permission.
inline constexpr std::string_view kReasonNotStored = "NotStored";

// A rollout that begins, halts or ends, devices that fail, a spec that is of no use. `before`: nothing where
// there was no status.
[[nodiscard]] std::vector<DeploymentNote> notes_of_change(
    const std::optional<contracts::DeploymentStatus>& before, const contracts::DeploymentStatus& after);

// Lets a few notes of each Deployment through at once, and then one in half a minute; the same reason again
// only after a minute, so that a device that fails over and over is told of once.
class NoteLimiter {
 public:
    [[nodiscard]] std::vector<DeploymentNote> pass(const std::string& uid, std::vector<DeploymentNote> notes,
                                                   contracts::Timestamp now);
    void forget(const std::string& uid) { known_.erase(uid); }

 private:
    struct Known {
        double room = 0;
        contracts::Timestamp at;
        std::map<std::string, contracts::Timestamp> told;  // by reason
    };
    std::map<std::string, Known> known_;
};

}  // namespace harmony::op
