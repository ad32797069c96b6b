// The objects of agents on a cluster. Pure: the same inputs give the same objects.
#pragma once

#include <harmony/capability/kubernetes.hpp>
#include <string>
#include <vector>

#include "fleet_agent_score.hpp"

namespace harmony::fleet_agent {

// Of all agents.
struct ClusterInputs {
    std::string context;
    std::string image;
    std::string nats_url;
};

// What one device's agent reads.
struct DeviceFiles {
    std::string device;
    std::string config;
    std::string credentials;
};

[[nodiscard]] std::vector<plugin::KubernetesKind> cluster_kinds();
// Where the pods of an agent have its files, its state and its pages, for agent_config().
[[nodiscard]] std::string pod_agent_config(const AgentParameters& parameters, const DeviceParameters& device,
                                           const ClusterInputs& inputs);
// Those of all agents, then a Secret and a Deployment for each device.
[[nodiscard]] std::vector<plugin::Json> cluster_objects(const AgentParameters& parameters,
                                                        const ClusterInputs& inputs,
                                                        const std::vector<DeviceFiles>& devices);

}  // namespace harmony::fleet_agent
