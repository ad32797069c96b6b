// Removing objects, and waiting until they are gone.
#pragma once

#include <chrono>
#include <harmony/capability/kubernetes.hpp>
#include <string>
#include <vector>

#include "cluster_session.hpp"

namespace harmony::cluster {

// Until the object, or the one with that uid, is gone; polls. kubernetes.timeout names the finalizers.
[[nodiscard]] plugin::Result<void> await_gone(ClusterSession& session, const api::ObjectRef& ref,
                                              const std::string& uid, std::chrono::milliseconds deadline);

// Kubernetes::remove, owned and ensure_namespace.
[[nodiscard]] plugin::Result<bool> remove_object(ClusterSession& session,
                                                 const plugin::KubernetesRemoval& removal);
[[nodiscard]] plugin::Result<std::vector<plugin::KubernetesRef>> owned_objects(
    ClusterSession& session, const plugin::KubernetesInventory& inventory);
[[nodiscard]] plugin::Result<bool> ensure_namespace(ClusterSession& session, const std::string& name,
                                                    std::chrono::milliseconds deadline);

}  // namespace harmony::cluster
