// What the cluster has to have of the server, given its parameters, its users' passwords and what is live.
#pragma once

#include <string>
#include <vector>

#include "cluster_storage.hpp"
#include "fleet_nats_score.hpp"
#include "harmony/fleet_access/kubernetes_objects.hpp"

namespace harmony::fleet_nats {

struct ClusterDesired {
    std::vector<plugin::Json> objects;  // the StatefulSet is the last one
    std::string revision;               // of the users
    Storage storage;
};

// Reads only. A password that is not made yet is a text that is none. `restart`: the pod is to be started
// anew with the users of now. HP_E_INVALID names a parameter that asks for too much.
[[nodiscard]] plugin::Result<ClusterDesired> cluster_desired(FleetNatsScore::Run& run, bool restart = false);

[[nodiscard]] fleet_access::ClusterOwner cluster_owner(const NatsParameters& parameters);
// Names of secrets: those of one machine, and that of the system account.
[[nodiscard]] std::vector<std::string> cluster_secrets(const NatsParameters& parameters);

}  // namespace harmony::fleet_nats
