#include <harmony/plugin.hpp>

#include "fleet_agent_score.hpp"

HARMONY_PLUGIN((harmony::plugin::PluginInfo{
                   .id = "harmony/agent",
                   .version = HARMONY_VERSION,
                   .summary = "The fleet's agents",
                   .permissions = {.network = {"connects to the fleet's NATS server"},
                                   .programs = {"harmony-fleet-agent"}},
                   .concurrency = harmony::plugin::Concurrency::Worker}),
               scores<harmony::fleet_agent::FleetAgentScore>());
