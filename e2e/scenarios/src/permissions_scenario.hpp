#pragma once

#include "fleet.hpp"

namespace harmony::fleet_e2e {

// Broken on purpose, by behaviours/scenarios_turn_red: a server that allows devices
// `$JS.API.STREAM.MSG.GET.KV_desired-state`: the step of what is refused to everybody fails.
class DevicePermissionsScenario final : public BrokerScenario {
 public:
    static inline const plugin::ScenarioInfo info{
        .name = "device_permissions",
        .summary =
            "A device's credentials reach every subject of its own and no other, on the running server"};

    Result<void> run(Run& run) override;
};

}  // namespace harmony::fleet_e2e
