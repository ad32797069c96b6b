// Server-side apply of a batch, and what it would do.
#pragma once

#include <harmony/capability/kubernetes.hpp>
#include <vector>

#include "batch.hpp"
#include "cluster_session.hpp"

namespace harmony::cluster {

class Applier {
 public:
    explicit Applier(ClusterSession& session) : session_(session) {}

    [[nodiscard]] plugin::Result<std::vector<plugin::KubernetesChange>> diff(
        const plugin::KubernetesBatch& given);
    [[nodiscard]] plugin::Result<std::vector<plugin::KubernetesApplied>> apply(
        const plugin::KubernetesBatch& given);

 private:
    [[nodiscard]] plugin::Result<plugin::KubernetesChange> change(const Desired& desired,
                                                                  const plugin::KubernetesOwner& owner);
    [[nodiscard]] plugin::Result<plugin::KubernetesApplied> apply_one(Desired& desired,
                                                                      const plugin::KubernetesBatch& given);
    // The object as it is, unless it is on its way out; kubernetes.not-ours.
    [[nodiscard]] plugin::Result<std::optional<json>> live(const Desired& desired,
                                                           const plugin::KubernetesOwner& owner);
    [[nodiscard]] api::Answer<json> patch(const Desired& desired, bool dry_run, bool force);
    [[nodiscard]] plugin::Diagnostic refused(const Desired& desired, const api::Failure& failure) const;

    ClusterSession& session_;
};

}  // namespace harmony::cluster
