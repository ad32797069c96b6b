#include <harmony/plugin.hpp>

#include "apply_command.hpp"
#include "delete_command.hpp"
#include "deployments_command.hpp"
#include "devices_command.hpp"
#include "fleet_scenarios.hpp"
#include "ping_command.hpp"

HARMONY_PLUGIN(
    (harmony::plugin::PluginInfo{.id = "harmony/fleet",
                                 .version = HARMONY_VERSION,
                                 .summary = "Commands and scenarios of the fleet",
                                 .permissions = {.network = {"connects to the fleet's NATS server"}},
                                 .concurrency = harmony::plugin::Concurrency::Worker}),
    commands<harmony::fleet::DevicesCommand, harmony::fleet::DeploymentsCommand, harmony::fleet::ApplyCommand,
             harmony::fleet::DeleteCommand, harmony::fleet::PingCommand>(),
    scenarios<harmony::fleet::PingScenario, harmony::fleet::PingOfflineScenario>());
