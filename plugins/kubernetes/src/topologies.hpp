// K8sBareTopology and K8sAnywhereTopology: a Kubernetes cluster, as capabilities. They differ in where they
// look for one.
#pragma once

#include <harmony/plugin.hpp>

#include <harmony/capability/kubernetes.hpp>
#include <harmony/capability/secret_store.hpp>
#include <harmony/capability/service_directory.hpp>
#include <memory>
#include <string>
#include <vector>

#include "cluster_access.hpp"

namespace harmony::cluster {

struct ClusterSettings {
    std::string kubeconfig{};
    std::string context{};
    std::string name_space{};
    int timeout_s = 30;

    static auto fields() {
        using plugin::field;
        using Self = ClusterSettings;
        return plugin::fields(
            field("kubeconfig", &Self::kubeconfig,
                  "Path of the kubeconfig; empty: KUBECONFIG, or ~/.kube/config"),
            field("context", &Self::context, "Context of the kubeconfig; empty: its current one"),
            field("namespace", &Self::name_space,
                  "Where objects go that name no namespace; empty: the namespace of the kubeconfig's context")
                .pattern("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$"),
            field("timeout_s", &Self::timeout_s, "How long one request to the cluster may take, in seconds")
                .range(1, 600));
    }
};

// What both have in common. Nothing is asked of the cluster before a method needs it.
class ClusterTopology : public plugin::Topology<ClusterSettings, plugin::Kubernetes, plugin::SecretStore,
                                                plugin::ServiceDirectory> {
 public:
    ClusterTopology();
    ~ClusterTopology() override;

    plugin::Result<void> open() override;
    plugin::Result<std::vector<plugin::Offer>> probe() override;
    // The cluster answers.
    plugin::Result<void> prepare() override;

 protected:
    [[nodiscard]] virtual plugin::Result<api::ClusterAccess> access(const AccessSettings& settings) const = 0;

 private:
    struct Servers;
    std::unique_ptr<Servers> servers_;
};

class K8sBareTopology final : public ClusterTopology {
 public:
    static inline const plugin::TopologyInfo info{
        .name = "K8sBareTopology", .summary = "The Kubernetes cluster that a kubeconfig reaches"};

 protected:
    [[nodiscard]] plugin::Result<api::ClusterAccess> access(const AccessSettings& settings) const override;
};

class K8sAnywhereTopology final : public ClusterTopology {
 public:
    static inline const plugin::TopologyInfo info{
        .name = "K8sAnywhereTopology",
        .summary = "The Kubernetes cluster that is at hand: of a kubeconfig, or around this pod"};

 protected:
    [[nodiscard]] plugin::Result<api::ClusterAccess> access(const AccessSettings& settings) const override;
};

}  // namespace harmony::cluster
