// Kubernetes::wait: until objects are rolled out, with the reason when one is not.
#pragma once

#include <harmony/capability/kubernetes.hpp>
#include <vector>

#include "cluster_session.hpp"

namespace harmony::cluster {

[[nodiscard]] plugin::Result<std::vector<plugin::KubernetesReady>> await_rollout(
    ClusterSession& session, const plugin::KubernetesRollout& rollout);

}  // namespace harmony::cluster
