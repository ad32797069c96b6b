#pragma once

#include "fleet.hpp"

namespace harmony::fleet_e2e {

// Broken on purpose, by behaviours/scenarios_turn_red: an agent with `runtime_enabled = false`: the first
// Deployment fails.
class DeployLifecycleScenario final : public ContainerScenario {
 public:
    static inline const plugin::ScenarioInfo info{.name = "deploy_lifecycle",
                                                  .summary =
                                                      "Deploy, change image and environment, delete, with "
                                                      "podman as the truth; a bystander is untouched"};

    Result<void> run(Run& run) override;
};

// Broken on purpose, by behaviours/scenarios_turn_red: a server that delivers the keys of one device as
// those of the other: "that device runs what they say" fails.
class IsolationScenario final : public ContainerScenario {
 public:
    static inline const plugin::ScenarioInfo info{
        .name = "isolation", .summary = "A device does not react to another device's keys"};

    Result<void> run(Run& run) override;
};

// Broken on purpose, by behaviours/scenarios_turn_red: an agent with `runtime_enabled = false`: the first
// step fails.
class InitContainersScenario final : public ContainerScenario {
 public:
    static inline const plugin::ScenarioInfo info{
        .name = "init_containers",
        .summary = "Init containers: in order, before services, their failures, and when they run again"};

    Result<void> run(Run& run) override;
};

}  // namespace harmony::fleet_e2e
