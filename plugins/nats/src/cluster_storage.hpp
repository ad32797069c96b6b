// Where JetStream's data goes on a cluster.
#pragma once

#include <harmony/capability/kubernetes.hpp>
#include <string>

#include "fleet_nats_score.hpp"

namespace harmony::fleet_nats {

struct Storage {
    bool persistent = false;
    std::string told{};  // to people, in a plan
    std::string
        storage_class{};  // of the volume that is there, or the one asked for; empty: the cluster decides
};

// Reads only. A volume that is there already, one of the class that the parameters name, or one of the
// cluster's default class; else the data ends with the pod. A class that the cluster does not have is
// HP_E_INVALID with those that it has.
[[nodiscard]] plugin::Result<Storage> find_storage(plugin::Kubernetes& cluster,
                                                   const NatsParameters& parameters);

}  // namespace harmony::fleet_nats
