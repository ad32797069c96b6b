#include "cluster_objects.hpp"

#include <openssl/evp.h>

#include <array>
#include <nlohmann/json.hpp>

#include "harmony/contracts/resource_definitions.hpp"
#include "harmony/contracts/resources.hpp"
#include "harmony/kubernetes_manifests/network_policy.hpp"
#include "harmony/kubernetes_manifests/rbac.hpp"
#include "harmony/kubernetes_manifests/workloads.hpp"

namespace harmony::fleet_operator {

using namespace kubernetes_manifests;

namespace {

constexpr const char* kConfigMap = "fleet-operator-config";
constexpr const char* kConfigFolder = "/etc/harmony/config";
constexpr const char* kCredentialsFolder = "/etc/harmony/credentials";
constexpr const char* kStateFolder = "/var/lib/harmony";
constexpr const char* kConfigHash = "io.nationtech.harmony/config-hash";
constexpr const char* kCredentialsHash = "io.nationtech.harmony/credentials-hash";
constexpr const char* kHealthPort = "health";
constexpr int kHealthPortNumber = 8080;
// A minute, as long as a start on a busy node may take. A startup probe would delay the readiness of every
// start.
constexpr int kLivenessFailures = 6;

Labels labels_of(const ClusterValues& values) {
    Labels labels = values.labels;
    labels[kNameLabel] = kWorkload;
    return labels;
}

Metadata metadata(const ClusterValues& values, std::string name) {
    return {.name = std::move(name), .name_space = values.name_space, .labels = labels_of(values)};
}

// One for each namespace: an operator of another one has another.
Metadata cluster_metadata(const ClusterValues& values) {
    return {.name = std::string(kWorkload) + "-" + values.name_space, .labels = labels_of(values)};
}

std::string definition_name(std::string_view plural) {
    return std::string(plural) + "." + std::string(contracts::kApiGroup);
}

Role role(const ClusterValues& values) {
    const std::string group(contracts::kApiGroup);
    return {.metadata = metadata(values, kWorkload),
            .rules = {{.api_groups = {group},
                       .resources = {"deployments"},
                       .verbs = {"get", "list", "watch", "create", "patch", "delete"}},
                      {.api_groups = {group}, .resources = {"deployments/status"}, .verbs = {"patch"}},
                      {.api_groups = {""},
                       .resources = {"configmaps"},
                       .verbs = {"get", "list", "watch", "create", "update", "delete"}},
                      {.api_groups = {""}, .resources = {"events"}, .verbs = {"get", "create", "patch"}},
                      {.api_groups = {"coordination.k8s.io"},
                       .resources = {"leases"},
                       .verbs = {"get", "create", "update"}}}};
}

// What has no namespace.
ClusterRole cluster_role(const ClusterValues& values) {
    const std::string group(contracts::kApiGroup);
    return {.metadata = cluster_metadata(values),
            .rules = {{.api_groups = {group},
                       .resources = {"devices"},
                       .verbs = {"get", "list", "watch", "patch", "create", "delete"}},
                      {.api_groups = {group}, .resources = {"devices/status"}, .verbs = {"patch"}},
                      {.api_groups = {"apiextensions.k8s.io"},
                       .resources = {"customresourcedefinitions"},
                       .verbs = {"get"},
                       .resource_names = {definition_name(contracts::kDeploymentPlural),
                                          definition_name(contracts::kDevicePlural)}}}};
}

// Its pages are for probes and for metrics, which are gathered from other namespaces. Where NATS and the API
// server are, the cluster need not know.
NetworkPolicy network_policy(const ClusterValues& values) {
    return {
        .metadata = metadata(values, kWorkload),
        .pods = {{kNameLabel, kWorkload}},
        .ingress = {{{.ports = {{std::to_string(kHealthPortNumber)}}, .peers = {{.all_namespaces = true}}}}}};
}

Container container(const ClusterValues& values) {
    return {.name = "operator",
            .image = values.image,
            .args = {"--config", std::string(kConfigFolder) + "/" + kConfigFile},
            .ports = {{kHealthPort, kHealthPortNumber}},
            .mounts = {{"config", kConfigFolder, true},
                       {"credentials", kCredentialsFolder, true},
                       {"state", kStateFolder}},
            .readiness = HttpProbe{.path = "/readyz", .port = kHealthPort, .period_s = 1, .timeout_s = 3},
            .liveness = HttpProbe{.path = "/healthz",
                                  .port = kHealthPort,
                                  .timeout_s = 3,
                                  .failure_threshold = kLivenessFailures},
            .resources = {.cpu_request = values.cpu_request,
                          .memory_request = values.memory_request,
                          .memory_limit = values.memory_limit}};
}

Deployment deployment(const ClusterValues& values) {
    Deployment object{.metadata = metadata(values, kWorkload),
                      .replicas = values.replicas,
                      .selector = {{kNameLabel, kWorkload}}};
    object.pod.labels = labels_of(values);
    object.pod.annotations[kConfigHash] = values.config_hash;
    if (!values.credentials_hash.empty()) object.pod.annotations[kCredentialsHash] = values.credentials_hash;
    PodSpec& spec = object.pod.spec;
    spec.containers = {container(values)};
    spec.volumes = {{"config", ConfigMapVolume{kConfigMap}},
                    {"credentials", SecretVolume{values.credentials_secret}},
                    {"state", EmptyDirVolume{}}};
    spec.service_account = kWorkload;
    spec.automount_token = true;
    if (!values.image_pull_secret.empty()) spec.image_pull_secrets = {values.image_pull_secret};
    return object;
}

}  // namespace

std::vector<plugin::KubernetesKind> cluster_kinds() {
    const std::string rbac = "rbac.authorization.k8s.io/v1";
    return {{"v1", "ServiceAccount"},
            {rbac, "Role"},
            {rbac, "RoleBinding"},
            {rbac, "ClusterRole"},
            {rbac, "ClusterRoleBinding"},
            {"v1", "ConfigMap"},
            {"v1", "Secret"},
            {"networking.k8s.io/v1", "NetworkPolicy"},
            {"apps/v1", "Deployment"}};
}

std::vector<Json> cluster_objects(const ClusterValues& values) {
    const ServiceAccountRef account{kWorkload, values.name_space};
    std::vector<Json> objects{
        to_json(ServiceAccount{metadata(values, kWorkload)}),
        to_json(role(values)),
        to_json(RoleBinding{metadata(values, kWorkload), kWorkload, {account}}),
        to_json(cluster_role(values)),
        to_json(ClusterRoleBinding{cluster_metadata(values), cluster_metadata(values).name, {account}}),
        to_json(ConfigMap{metadata(values, kConfigMap), {{kConfigFile, values.config}}})};
    if (values.credentials) {
        objects.push_back(to_json(Secret{.metadata = metadata(values, values.credentials_secret),
                                         .data = {{kCredentialsFile, *values.credentials}}}));
    }
    objects.push_back(to_json(network_policy(values)));
    objects.push_back(to_json(deployment(values)));
    return objects;
}

OperatorSettings pod_settings(const ClusterStore& store) {
    return {.credentials_folder = kCredentialsFolder,
            .state_folder = kStateFolder,
            .health_port = std::to_string(kHealthPortNumber),
            .health_address = "0.0.0.0",
            .store = &store};
}

std::string config_hash(const std::string& config) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int length = 0;
    EVP_Digest(config.data(), config.size(), digest.data(), &length, EVP_sha256(), nullptr);
    static constexpr char kHex[] = "0123456789abcdef";
    std::string text;
    for (unsigned int i = 0; i < length; ++i) {
        text += kHex[digest[i] >> 4];
        text += kHex[digest[i] & 15];
    }
    return text;
}

}  // namespace harmony::fleet_operator
