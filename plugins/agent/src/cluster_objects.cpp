#include "cluster_objects.hpp"

#include <nlohmann/json.hpp>

#include "agent_config.hpp"
#include "device_names.hpp"
#include "harmony/contracts/canonical_json.hpp"
#include "harmony/contracts/podman_v0.hpp"
#include "harmony/fleet_access/kubernetes_objects.hpp"
#include "harmony/kubernetes_manifests/network_policy.hpp"
#include "harmony/kubernetes_manifests/workloads.hpp"

namespace harmony::fleet_agent {

using namespace kubernetes_manifests;

namespace {

constexpr const char* kComponent = "fleet-agent";  // and the name of what all agents share
constexpr const char* kConfigFolder = "/etc/harmony";
constexpr const char* kStateFolder = "/var/lib/harmony";
constexpr const char* kConfigHash = "io.nationtech.harmony/config-hash";
constexpr const char* kHealthPort = "health";
constexpr int kHealthPortNumber = 8080;
// A minute, as long as a start on a busy node may take. A startup probe would delay the readiness of every
// start.
constexpr int kLivenessFailures = 6;

Metadata shared_metadata(const AgentParameters& parameters, const ClusterInputs& inputs) {
    return {.name = kComponent,
            .name_space = parameters.name_space,
            .labels = {{kNameLabel, kComponent},
                       {kComponentLabel, kComponent},
                       {kManagedByLabel, kManagedBy},
                       {kContextLabel, inputs.context}}};
}

Metadata device_metadata(const AgentParameters& parameters, const ClusterInputs& inputs,
                         const std::string& device) {
    Metadata metadata = shared_metadata(parameters, inputs);
    metadata.name = workload_name(device);
    metadata.labels[kNameLabel] = metadata.name;
    metadata.labels[std::string(contracts::kDeviceLabel)] = device;
    return metadata;
}

// Only its pages are to be reached, by its neighbours. Where the NATS server is, the cluster need not know.
NetworkPolicy network_policy(const AgentParameters& parameters, const ClusterInputs& inputs) {
    return {.metadata = shared_metadata(parameters, inputs),
            .pods = {{kComponentLabel, kComponent}},
            .ingress = {{{.ports = {{std::to_string(kHealthPortNumber)}}, .peers = {{}}}}}};
}

Container container(const ClusterInputs& inputs) {
    return {.name = "agent",
            .image = inputs.image,
            .args = {"--config", std::string(kConfigFolder) + "/" + kConfigFile},
            .ports = {{kHealthPort, kHealthPortNumber}},
            .mounts = {{"config", kConfigFolder, true}, {"state", kStateFolder}},
            .readiness = HttpProbe{.path = "/readyz", .port = kHealthPort, .period_s = 1, .timeout_s = 3},
            .liveness = HttpProbe{.path = "/healthz",
                                  .port = kHealthPort,
                                  .timeout_s = 3,
                                  .failure_threshold = kLivenessFailures},
            .resources = {.cpu_request = "10m", .memory_request = "16Mi"}};
}

Deployment deployment(const AgentParameters& parameters, const ClusterInputs& inputs,
                      const DeviceFiles& device) {
    const Metadata metadata = device_metadata(parameters, inputs, device.device);
    Deployment object{.metadata = metadata,
                      .selector = {{kNameLabel, metadata.name}},
                      .strategy = DeploymentStrategy::Recreate};
    object.pod.labels = metadata.labels;
    object.pod.annotations = {{kConfigHash, contracts::value_hash(device.config + device.credentials)}};
    PodSpec& spec = object.pod.spec;
    spec.containers = {container(inputs)};
    spec.volumes = {{"config", SecretVolume{metadata.name}}, {"state", EmptyDirVolume{}}};
    spec.service_account = kComponent;
    spec.termination_grace_s = 10;
    if (!parameters.image_pull_secret.empty()) spec.image_pull_secrets = {parameters.image_pull_secret};
    return object;
}

}  // namespace

std::vector<plugin::KubernetesKind> cluster_kinds() {
    return {{"v1", "ServiceAccount"},
            {"v1", "Secret"},
            {"networking.k8s.io/v1", "NetworkPolicy"},
            {"apps/v1", "Deployment"}};
}

std::string pod_agent_config(const AgentParameters& parameters, const DeviceParameters& device,
                             const ClusterInputs& inputs) {
    return agent_config({.device_id = device.id,
                         .labels = device.labels,
                         .runtime_enabled = false,
                         .heartbeat_interval_s = parameters.heartbeat_interval_s,
                         .reconcile_interval_s = parameters.reconcile_interval_s,
                         .log_level = log_level_name(parameters.log_level),
                         .nats_url = inputs.nats_url,
                         .exec_host_enabled = parameters.exec_host_enabled,
                         .place = {.config_folder = kConfigFolder,
                                   .state_folder = kStateFolder,
                                   .health_address = "0.0.0.0",
                                   .health_port = std::to_string(kHealthPortNumber)}});
}

std::vector<plugin::Json> cluster_objects(const AgentParameters& parameters, const ClusterInputs& inputs,
                                          const std::vector<DeviceFiles>& devices) {
    std::vector<Json> objects{to_json(network_policy(parameters, inputs)),
                              to_json(ServiceAccount{shared_metadata(parameters, inputs)})};
    for (const DeviceFiles& device : devices) {
        objects.push_back(
            to_json(Secret{.metadata = device_metadata(parameters, inputs, device.device),
                           .data = {{kConfigFile, device.config}, {kCredentialsFile, device.credentials}}}));
        objects.push_back(to_json(deployment(parameters, inputs, device)));
    }
    std::vector<plugin::Json> converted;
    for (const Json& object : objects)
        converted.push_back(fleet_access::to_plugin_json(object));
    return converted;
}

}  // namespace harmony::fleet_agent
