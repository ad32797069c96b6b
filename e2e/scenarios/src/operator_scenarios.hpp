#pragma once

#include "fleet.hpp"

namespace harmony::fleet_e2e {

// Broken on purpose, by behaviours/scenarios_turn_red: a server that refuses the operator
// `$KV.desired-state.>`: "its desired state is there" fails.
class OperatorScenario final : public BrokerScenario {
 public:
    static inline const plugin::ScenarioInfo info{
        .name = "operator",
        .summary = "A Deployment becomes desired state, and goes with it; its finalizer holds it back"};

    Result<void> run(Run& run) override;
};

// Broken on purpose, by behaviours/scenarios_turn_red: an operator whose state folder is a new one with
// each start: "nothing is lost" fails after the first kill.
class OperatorRestartScenario final : public BrokerScenario {
 public:
    static inline const plugin::ScenarioInfo info{
        .name = "operator_restart", .summary = "An operator that is killed or stopped goes on where it was"};

    Result<void> run(Run& run) override;
};

// Broken on purpose, by behaviours/scenarios_turn_red: the same operator: "converged after a cold restart"
// fails.
class OperatorRecoveryScenario final : public BrokerScenario {
 public:
    static inline const plugin::ScenarioInfo info{
        .name = "operator_recovery",
        .summary = "Buckets lost, orphans, a second operator, kills under load: converged within 30 s"};

    Result<void> run(Run& run) override;
};

}  // namespace harmony::fleet_e2e
