#pragma once

#include "fleet.hpp"

namespace harmony::fleet_e2e {

// Broken on purpose, by behaviours/scenarios_turn_red: a server that maps the `logs` command of the device
// to nowhere: "its last ten lines come" fails.
class LogsScenario final : public ContainerScenario {
 public:
    static inline const plugin::ScenarioInfo info{
        .name = "logs",
        .summary = "The last lines of a container, and lines as they come, in order and complete"};

    Result<void> run(Run& run) override;
};

// Broken on purpose, by behaviours/scenarios_turn_red: an agent with `[exec] host_enabled = true`: "on the
// host it is Forbidden" fails.
class ExecScenario final : public ContainerScenario {
 public:
    static inline const plugin::ScenarioInfo info{
        .name = "exec",
        .summary = "A command runs in the container with its exit code and output, and not on the host"};

    Result<void> run(Run& run) override;
};

}  // namespace harmony::fleet_e2e
