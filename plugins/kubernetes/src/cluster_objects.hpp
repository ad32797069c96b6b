// kubernetes/1 on one cluster. Translates and delegates; each job is in a file of its own.
#pragma once

#include <harmony/capability/kubernetes.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cluster_session.hpp"

namespace harmony::cluster {

class ClusterObjects final : public plugin::Kubernetes {
 public:
    explicit ClusterObjects(ClusterSession& session) : session_(session) {}

    plugin::Result<plugin::KubernetesCluster> info() override;
    plugin::Result<std::vector<plugin::KubernetesChange>> diff(const plugin::KubernetesBatch& batch) override;
    plugin::Result<std::vector<plugin::KubernetesApplied>> apply(
        const plugin::KubernetesBatch& batch) override;
    plugin::Result<std::optional<plugin::Json>> get(const plugin::KubernetesRef& ref) override;
    plugin::Result<std::vector<plugin::Json>> list(const plugin::KubernetesQuery& query) override;
    plugin::Result<std::vector<plugin::KubernetesRef>> owned(
        const plugin::KubernetesInventory& inventory) override;
    plugin::Result<bool> remove(const plugin::KubernetesRemoval& removal) override;
    plugin::Result<std::vector<plugin::KubernetesReady>> wait(
        const plugin::KubernetesRollout& rollout) override;
    plugin::Result<bool> ensure_namespace(const std::string& name, int timeout_s) override;
    plugin::Result<plugin::KubernetesAddress> reach(const plugin::KubernetesServicePort& service) override;

 private:
    ClusterSession& session_;
};

}  // namespace harmony::cluster
