// What has to happen to one deployment's containers, and how they fare: functions of state, without I/O.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harmony/agent/container_identity.hpp"
#include "harmony/contracts/deployment_state.hpp"
#include "harmony/podman/container_runtime.hpp"

namespace harmony::agent {

struct ContainerReference {
    std::string name;
    std::string id;

    bool operator==(const ContainerReference&) const = default;
};

// Performed in this order: images, init containers, removals, creations, starts.
struct ContainerPlan {
    std::vector<InitStep> init;                          // all of the score's, where any service is created
    std::vector<ContainerReference> remove_leftovers;    // init containers of an earlier attempt
    std::vector<ContainerReference> remove;              // stopped first, with the grace period
    std::vector<runtime::podman::ContainerSpec> create;  // and started
    std::vector<ContainerReference> start;               // exist as they should, but do not run

    [[nodiscard]] bool empty() const;
};

// `desired` is unset where the deployment has to go. `observed` are all containers of the deployment on this
// device. A service's container that has the right name and spec hash is left alone while it runs, and where
// it has ended as its restart policy allows.
[[nodiscard]] ContainerPlan plan(const std::optional<ContainerSet>& desired,
                                 const std::vector<runtime::podman::Container>& observed);

struct Assessment {
    contracts::Phase phase = contracts::Phase::Pending;
    std::optional<std::string> problem;  // why not Running; set when Failed
    std::vector<contracts::ContainerState> containers;
};

// `restarting` are the ids of containers that podman has lately started again by itself: they count as
// failing while they are named. Pending where a service is still missing or of an earlier score.
[[nodiscard]] Assessment assess(const ContainerSet& desired,
                                const std::vector<runtime::podman::Container>& observed,
                                const std::vector<std::string>& restarting);

}  // namespace harmony::agent
