// What has to happen to one deployment's containers, and how they fare: functions of state, without I/O.
#pragma once

#include <cstdint>
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

// A container that podman restarted by itself counts as failing until it has run for this long.
inline constexpr std::int64_t kSettleSeconds = 10;

// `restarted` are the ids that were seen with another start before. `now` is in seconds since 1970. Pending
// where a service is still missing or of an earlier score.
[[nodiscard]] Assessment assess(const ContainerSet& desired,
                                const std::vector<runtime::podman::Container>& observed,
                                const std::vector<std::string>& restarted, std::int64_t now);

}  // namespace harmony::agent
