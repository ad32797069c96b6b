#pragma once

#include "fleet.hpp"

namespace harmony::fleet_e2e {

// Broken on purpose, by behaviours/scenarios_turn_red: a server that refuses the device its subscription
// to `device-commands`; the fleet does not come up.
class PingScenario final : public BrokerScenario {
 public:
    static inline const plugin::ScenarioInfo info{
        .name = "ping", .summary = "A device answers with its id, its agent's version and uptime"};

    Result<void> run(Run& run) override;
};

// Broken on purpose, by behaviours/scenarios_turn_red: a server that maps
// `device-commands.nobody-there.ping` to the device: somebody answers for one that never was.
class PingOfflineScenario final : public BrokerScenario {
 public:
    static inline const plugin::ScenarioInfo info{
        .name = "ping_offline",
        .summary = "A device that is not there is DeviceOffline in less than a second"};

    Result<void> run(Run& run) override;
};

}  // namespace harmony::fleet_e2e
