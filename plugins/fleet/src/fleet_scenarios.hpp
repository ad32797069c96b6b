// End-to-end scenarios against the fleet of the context they run in.
#pragma once

#include <harmony/capability/secret_store.hpp>
#include <harmony/capability/service_directory.hpp>
#include <harmony/plugin/scenario.hpp>
#include <string>

namespace harmony::fleet {

struct PingScenarioParameters {
    std::string device;

    static auto fields() {
        return plugin::fields(plugin::field("device", &PingScenarioParameters::device,
                                            "The device; empty takes every one that is online"));
    }
};

class PingScenario final
    : public plugin::Scenario<PingScenarioParameters, plugin::ServiceDirectory, plugin::SecretStore> {
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
