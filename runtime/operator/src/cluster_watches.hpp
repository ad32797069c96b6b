// What the operator hears of a cluster: its namespace's Deployments and records of rollouts.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harmony/kubernetes/client.hpp"
#include "harmony/operator/cluster_events.hpp"

namespace harmony::op {

using ClusterWatches = std::vector<std::unique_ptr<runtime::kubernetes::Watch>>;

// The client must outlive them; `tell` is called on its thread.
[[nodiscard]] ClusterWatches watch_cluster(runtime::kubernetes::KubernetesClient& client,
                                           const std::string& name_space,
                                           const std::function<void(ClusterEvent)>& tell);

}  // namespace harmony::op
