#include <harmony/plugin.hpp>

#include "local_topology.hpp"

HARMONY_PLUGIN((harmony::plugin::PluginInfo{
                   .id = "harmony/local",
                   .version = HARMONY_VERSION,
                   .summary = "This machine as an environment: supervised daemons, secrets, podman",
                   .permissions = {.network = {"listens and connects on 127.0.0.1 only"},
                                   .programs = {"harmony-local-supervisor", "podman"},
                                   .paths = {"the context's state folder",
                                             "$XDG_RUNTIME_DIR/harmony or /tmp/harmony-UID"}},
                   .concurrency = harmony::plugin::Concurrency::Worker}),
               topologies<harmony::local::LocalTopology>());
