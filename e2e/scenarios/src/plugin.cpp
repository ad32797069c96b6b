#include <harmony/plugin.hpp>

#include "broker_scenarios.hpp"
#include "command_scenarios.hpp"
#include "container_scenarios.hpp"
#include "kubernetes_namespace_score.hpp"
#include "operator_scenarios.hpp"
#include "permissions_scenario.hpp"
#include "ping_scenarios.hpp"

using namespace harmony::fleet_e2e;

HARMONY_PLUGIN((harmony::plugin::PluginInfo{
                   .id = "harmony/fleet-e2e",
                   .version = HARMONY_VERSION,
                   .summary = "End-to-end scenarios of the fleet",
                   .permissions = {.network = {"connects to the fleet's NATS server"},
                                   .paths = {"reads /bin/busybox for the image of its containers",
                                             "reads the list of images that FLEET_E2E_IMAGES names"}},
                   .concurrency = harmony::plugin::Concurrency::Worker}),
               scores<E2eNamespaceScore>(),
               scenarios<PingScenario, PingOfflineScenario, OperatorScenario, OperatorRestartScenario,
                         OperatorRecoveryScenario, NatsRestartScenario, DevicePermissionsScenario,
                         DeployLifecycleScenario, IsolationScenario, InitContainersScenario, LogsScenario,
                         ExecScenario, OfflineBootScenario>());
