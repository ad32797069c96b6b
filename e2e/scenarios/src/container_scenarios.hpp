#pragma once

#include "fleet.hpp"

namespace harmony::fleet_e2e {

// Broken on purpose, by behaviours/scenarios_turn_red: a proxy before podman keeps the upgraded container's
// environment as it was: "image and environment change: the container is replaced" fails.
class DeployLifecycleScenario final : public ContainerScenario {
 public:
    static inline const plugin::ScenarioInfo info{.name = "deploy_lifecycle",
                                                  .summary =
                                                      "Deploy, change image and environment, delete, with "
                                                      "podman as the truth; a bystander is untouched"};

    Result<void> run(Run& run) override;
};

// Broken on purpose, by behaviours/scenarios_turn_red: the second device asks for the keys of the first,
// takes them for its own, and the server allows it: "the other device does nothing and reports nothing"
// fails.
class IsolationScenario final : public ContainerScenario {
 public:
    static inline const plugin::ScenarioInfo info{
        .name = "isolation", .summary = "A device does not react to another device's keys"};

    Result<void> run(Run& run) override;
};

// Broken on purpose, by behaviours/scenarios_turn_red: a proxy before podman says at once that an init
// container has ended well: "two init containers run one after the other, then the service" fails.
class InitContainersScenario final : public ContainerScenario {
 public:
    static inline const plugin::ScenarioInfo info{
        .name = "init_containers",
        .summary = "Init containers: in order, before services, their failures, and when they run again"};

    Result<void> run(Run& run) override;
};

}  // namespace harmony::fleet_e2e
