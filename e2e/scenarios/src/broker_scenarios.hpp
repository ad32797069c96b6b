#pragma once

#include "fleet.hpp"

namespace harmony::fleet_e2e {

// Broken on purpose, by behaviours/scenarios_turn_red: a server that does not know the device any more
// from its second start on: "the device answers and follows, 1 of 5" fails.
class NatsRestartScenario final : public BrokerScenario {
 public:
    static inline const plugin::ScenarioInfo info{
        .name = "agent_recovers_from_nats_restart",
        .summary = "nats-server is killed five times in a row, and the device answers and follows each time"};

    Result<void> run(Run& run) override;
};

// Broken on purpose, by behaviours/scenarios_turn_red: an agent whose state folder is a new one with each
// start: "its container comes up without the broker" fails.
class OfflineBootScenario final : public ContainerScenario {
 public:
    static inline const plugin::ScenarioInfo info{
        .name = "offline_boot",
        .summary = "A device that starts while the broker is away brings its containers up from its disk"};

    Result<void> run(Run& run) override;
};

}  // namespace harmony::fleet_e2e
