#include "cluster_objects.hpp"

#include <nlohmann/json.hpp>

#include "harmony/contracts/canonical_json.hpp"
#include "harmony/fleet_access/kubernetes_objects.hpp"
#include "harmony/fleet_access/nats_access.hpp"
#include "harmony/kubernetes_manifests/network_policy.hpp"
#include "harmony/kubernetes_manifests/workloads.hpp"
#include "server_config.hpp"

namespace harmony::fleet_nats {

using namespace kubernetes_manifests;

namespace {

constexpr const char* kConfigFolder = "/etc/nats";
constexpr const char* kDataFolder = "/var/lib/nats";
constexpr int kMonitorPort = 8222;
// JetStream reads its streams before it answers.
constexpr int kStartAttempts = 300;

std::string name() {
    return std::string(fleet_access::kNatsDaemon);
}

Labels labels_of(const std::string& context) {
    return {{kNameLabel, name()}, {kManagedByLabel, kManagedBy}, {kContextLabel, context}};
}

Metadata metadata_of(const NatsParameters& parameters, const ClusterInputs& inputs,
                     const std::string& object) {
    return {.name = object, .name_space = parameters.name_space, .labels = labels_of(inputs.context)};
}

kubernetes_manifests::ServiceType service_type(ServiceType type) {
    using Type = kubernetes_manifests::ServiceType;
    switch (type) {
        case ServiceType::ClusterIp:
            return Type::ClusterIp;
        case ServiceType::NodePort:
            return Type::NodePort;
        case ServiceType::LoadBalancer:
            return Type::LoadBalancer;
    }
    return Type::ClusterIp;
}

// There is one server, so nobody is led to a better one by waiting for its probe and the cluster's word of
// it: who comes too early is refused either way and tries again.
Service service(const NatsParameters& parameters, const ClusterInputs& inputs) {
    Service object{.metadata = metadata_of(parameters, inputs, name()),
                   .selector = {{kNameLabel, name()}},
                   .ports = {{.name = std::string(fleet_access::kNatsClientPort),
                              .port = kClusterPort,
                              .target = std::string(fleet_access::kNatsClientPort),
                              .node_port = parameters.node_port}},
                   .type = service_type(parameters.service_type),
                   .also_not_ready = true};
    object.metadata.labels.emplace(kServiceLabel, name());
    return object;
}

// Clients may come from anywhere, a device is not in the cluster; the monitoring port is for its neighbours.
// The server itself calls nobody.
NetworkPolicy network_policy(const NatsParameters& parameters, const ClusterInputs& inputs) {
    return {.metadata = metadata_of(parameters, inputs, name()),
            .pods = {{kNameLabel, name()}},
            .ingress = {{{.ports = {{std::to_string(kClusterPort)}}},
                         {.ports = {{std::to_string(kMonitorPort)}}, .peers = {{}}}}},
            .egress = std::vector<PolicyRules>{}};
}

HttpProbe probe(const char* path) {
    return {.path = path, .port = std::string(fleet_access::kNatsMonitorPort), .timeout_s = 3};
}

Container container(const ClusterInputs& inputs) {
    Container server{.name = "nats-server",
                     .image = inputs.image,
                     .args = {"--config", std::string(kConfigFolder) + "/" + kServerFile},
                     .ports = {{std::string(fleet_access::kNatsClientPort), kClusterPort},
                               {std::string(fleet_access::kNatsMonitorPort), kMonitorPort}},
                     .mounts = {{"config", kConfigFolder, true}, {"data", kDataFolder}},
                     .startup = probe("/healthz?js-server-only=true"),
                     .readiness = probe("/healthz?js-server-only=true"),
                     .liveness = probe("/healthz?js-enabled-only=true"),
                     .resources = {.cpu_request = "50m", .memory_request = "64Mi"}};
    server.startup->period_s = 1;
    server.startup->failure_threshold = kStartAttempts;
    server.readiness->period_s = 1;
    return server;
}

StatefulSet stateful_set(const NatsParameters& parameters, const ClusterInputs& inputs) {
    StatefulSet object{.metadata = metadata_of(parameters, inputs, name()),
                       .selector = {{kNameLabel, name()}},
                       .service = name()};
    object.metadata.annotations = {{kUsersLoaded, inputs.revision}};
    object.pod.labels = labels_of(inputs.context);
    object.pod.annotations = {{kConfigHash, contracts::value_hash(inputs.server_config)},
                              {kUsersAtStart, inputs.users_at_start}};
    PodSpec& spec = object.pod.spec;
    spec.containers = {container(inputs)};
    spec.volumes = {{"config", SecretVolume{kConfigSecret}}, {"data", EmptyDirVolume{}}};
    if (inputs.persistent) spec.volumes.back().source = ClaimVolume{kDataClaim};
    spec.service_account = name();
    if (!parameters.image_pull_secret.empty()) spec.image_pull_secrets = {parameters.image_pull_secret};
    return object;
}

PersistentVolumeClaim claim(const NatsParameters& parameters, const ClusterInputs& inputs) {
    const int mib = parameters.storage_mib != 0
                        ? parameters.storage_mib
                        : parameters.jetstream_storage_mib + parameters.jetstream_storage_mib / 4;
    PersistentVolumeClaim object{.metadata = metadata_of(parameters, inputs, kDataClaim),
                                 .storage = std::to_string(mib) + "Mi"};
    if (!inputs.storage_class.empty()) object.storage_class = inputs.storage_class;
    return object;
}

}  // namespace

std::vector<plugin::KubernetesKind> cluster_kinds() {
    return {{"v1", "ServiceAccount"},
            {"v1", "Secret"},
            {"v1", "Service"},
            {"networking.k8s.io/v1", "NetworkPolicy"},
            {"apps/v1", "StatefulSet"}};
}

plugin::KubernetesKind data_kind() {
    return {"v1", "PersistentVolumeClaim"};
}

std::vector<plugin::Json> cluster_objects(const NatsParameters& parameters, const ClusterInputs& inputs) {
    const Secret config{.metadata = metadata_of(parameters, inputs, kConfigSecret),
                        .data = {{kServerFile, inputs.server_config},
                                 {kUsersFile, inputs.users_config},
                                 {kSystemFile, inputs.system_config}}};
    std::vector<Json> objects{to_json(network_policy(parameters, inputs)),
                              to_json(ServiceAccount{metadata_of(parameters, inputs, name())}),
                              to_json(config)};
    if (inputs.persistent) objects.push_back(to_json(claim(parameters, inputs)));
    objects.push_back(to_json(service(parameters, inputs)));
    objects.push_back(to_json(stateful_set(parameters, inputs)));
    std::vector<plugin::Json> converted;
    converted.reserve(objects.size());
    for (const Json& object : objects)
        converted.push_back(fleet_access::to_plugin_json(object));
    return converted;
}

plugin::KubernetesRef workload_ref(const NatsParameters& parameters) {
    return {"apps/v1", "StatefulSet", parameters.name_space, name()};
}

plugin::Json hurried_pod(const NatsParameters& parameters, const std::string& value) {
    using plugin::Json;
    return Json::object({{"apiVersion", "v1"},
                         {"kind", "Pod"},
                         {"metadata", Json::object({{"name", kFirstPod},
                                                    {"namespace", parameters.name_space},
                                                    {"annotations", Json::object({{kHurry, value}})}})}});
}

}  // namespace harmony::fleet_nats
