#include <harmony/plugin.hpp>

#include "topologies.hpp"

HARMONY_PLUGIN(
    (harmony::plugin::PluginInfo{
        .id = "harmony/kubernetes",
        .version = HARMONY_VERSION,
        .summary = "Kubernetes clusters as environments: objects, secrets, addresses of services",
        .permissions = {.network = {"the API server of the kubeconfig's cluster",
                                    "the cluster's nodes and Services, to see whether they answer"},
                        .programs = {"the credential plugin that the kubeconfig names"},
                        .paths = {"the kubeconfig and the files that it names",
                                  "/var/run/secrets/kubernetes.io/serviceaccount"}},
        .concurrency = harmony::plugin::Concurrency::Worker}),
    topologies<harmony::cluster::K8sBareTopology, harmony::cluster::K8sAnywhereTopology>());
