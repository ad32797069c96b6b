#include <harmony/plugin.hpp>

#include "fleet_nats_score.hpp"

HARMONY_PLUGIN((harmony::plugin::PluginInfo{
                   .id = "harmony/nats",
                   .version = HARMONY_VERSION,
                   .summary = "The fleet's NATS server with JetStream",
                   .permissions = {.network = {"connects to the NATS server it deploys"},
                                   .programs = {"nats-server"}},
                   .concurrency = harmony::plugin::Concurrency::Worker}),
               scores<harmony::fleet_nats::FleetNatsScore>());
