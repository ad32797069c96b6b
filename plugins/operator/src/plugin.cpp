#include <harmony/plugin.hpp>

#include "fleet_operator_score.hpp"

HARMONY_PLUGIN(
    (harmony::plugin::PluginInfo{
        .id = "harmony/operator",
        .version = HARMONY_VERSION,
        .summary = "The fleet's operator",
        .permissions = {.network = {"connects to the fleet's NATS server and to the operator it deploys"},
                        .programs = {"harmony-fleet-operator"}},
        .concurrency = harmony::plugin::Concurrency::Worker}),
    scores<harmony::fleet_operator::FleetOperatorScore>());
