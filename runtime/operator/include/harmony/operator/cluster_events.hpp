// What the operator hears from a cluster, and what it wants done there.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "harmony/contracts/fleet_api.hpp"
#include "harmony/operator/cluster_objects.hpp"
#include "harmony/operator/kept_rollout.hpp"

namespace harmony::op {

enum class ClusterList : std::uint8_t { Deployments, Rollouts };

// A list is told from the start; what is not repeated before its end is gone. `lists`: how many have begun of
// both kinds, so that the answer to a write is not taken for news after a later list.
struct ListBegan {
    ClusterList which;
};
struct ListEnded {
    ClusterList which;
};
// By a watch, in its order, or as the answer to a write.
struct DeploymentSeen {
    std::shared_ptr<const SeenDeployment> seen;
    bool watched = true;
    std::uint64_t lists = 0;  // of an answer: when the write was wanted
};
struct DeploymentRemoved {
    std::string name;
    std::string uid;
    std::uint64_t version = 0;
};
struct RolloutSeen {
    std::shared_ptr<const SeenRollout> seen;
    bool watched = true;
    std::uint64_t lists = 0;
};
struct RolloutRemoved {
    std::string uid;
    std::string part;
    std::uint64_t version = 0;
};

enum class JobOutcome {
    Done,
    Outrun,     // the object is another by now; the watch tells which
    Failed,     // to be tried again
    NotLeading  // was not tried
};
struct JobDone {
    std::string deployment;  // its name
    std::uint64_t number = 0;
    JobOutcome outcome = JobOutcome::Done;
    std::string refusal = {};  // why it failed, where somebody has to do something about it
};

// Who acts changed.
struct LeadershipChanged {
    bool leading = false;
};
// A watch is interrupted.
struct ClusterTrouble {
    std::string text;
};
// Its device-info was deleted: by the operator that acts, because a person asked for it.
struct DeviceWithdrawn {
    contracts::DeviceId device;
};

using ClusterEvent =
    std::variant<ListBegan, ListEnded, DeploymentSeen, DeploymentRemoved, RolloutSeen, RolloutRemoved,
                 JobDone, LeadershipChanged, ClusterTrouble, DeviceWithdrawn>;

// The finalizer, set or taken away.
struct SetFinalizer {
    std::vector<std::string> finalizers;  // all that are to be there
    std::string resource_version;
    std::vector<std::string> record = {};  // ConfigMaps that are removed before
};
// Parts first, then the header; nothing replaces what another has written since.
struct StoreRollout {
    RolloutOwner owner;
    EncodedRollout rollout;
    std::string resource_version;  // of the header; empty: there is none yet
};
struct DropParts {
    RolloutOwner owner;
    std::vector<std::string> parts;
};
// Of the fleet API; answered by whoever does it.
struct ApplyDeployment {
    contracts::ApplyRequest request;
    std::string reply_subject;
};
struct DeleteDeployment {
    bool pending = false;  // it has our finalizer
    std::string reply_subject;
};
using ClusterWork = std::variant<SetFinalizer, StoreRollout, DropParts, ApplyDeployment, DeleteDeployment>;

struct ClusterJob {
    std::string deployment;
    std::uint64_t number = 0;  // 0: nobody waits for its end
    std::uint64_t lists = 0;   // see DeploymentSeen
    ClusterWork work;
};

// For people, on the Deployment.
struct DeploymentNote {
    bool warning = false;
    std::string reason;
    std::string message;

    bool operator==(const DeploymentNote&) const = default;
};

// How a status is to be; the newest of a Deployment counts.
struct StatusWish {
    std::string deployment;
    std::string uid;
    std::string status;  // JSON; empty: as it is, only the notes are new
    std::vector<DeploymentNote> notes;
};

}  // namespace harmony::op
