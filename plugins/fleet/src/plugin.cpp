#include <harmony/plugin.hpp>

#include "apply_command.hpp"
#include "delete_command.hpp"
#include "deployments_command.hpp"
#include "devices_command.hpp"
#include "exec_command.hpp"
#include "logs_command.hpp"
#include "pause_command.hpp"
#include "ping_command.hpp"

HARMONY_PLUGIN(
    (harmony::plugin::PluginInfo{.id = "harmony/fleet",
                                 .version = HARMONY_VERSION,
                                 .summary = "Commands of the fleet",
                                 .permissions = {.network = {"connects to the fleet's NATS server"}},
                                 .concurrency = harmony::plugin::Concurrency::Worker}),
    commands<harmony::fleet::DevicesCommand, harmony::fleet::DeploymentsCommand, harmony::fleet::ApplyCommand,
             harmony::fleet::DeleteCommand, harmony::fleet::PauseCommand, harmony::fleet::ResumeCommand,
             harmony::fleet::PingCommand, harmony::fleet::LogsCommand, harmony::fleet::ExecCommand>());
