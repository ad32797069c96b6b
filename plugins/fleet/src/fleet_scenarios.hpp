// End-to-end scenarios. Each brings a fleet of one device up in the context of its own that the host gives
// it, and takes it away again. The device runs no containers, so that a scenario needs nothing but a broker.
#pragma once

#include <harmony/capability/secret_store.hpp>
#include <harmony/capability/service_directory.hpp>
#include <harmony/plugin/scenario.hpp>

namespace harmony::fleet {

class PingScenario final
    : public plugin::Scenario<plugin::NoParameters, plugin::ServiceDirectory, plugin::SecretStore> {
 public:
    static inline const plugin::ScenarioInfo info{
        .name = "ping", .summary = "A device answers with its id, its agent's version and uptime"};

    plugin::Result<void> run(Run& run) override;
};

class PingOfflineScenario final
    : public plugin::Scenario<plugin::NoParameters, plugin::ServiceDirectory, plugin::SecretStore> {
 public:
    static inline const plugin::ScenarioInfo info{
        .name = "ping_offline",
        .summary = "A device that is not there is DeviceOffline in less than a second"};

    plugin::Result<void> run(Run& run) override;
};

}  // namespace harmony::fleet
