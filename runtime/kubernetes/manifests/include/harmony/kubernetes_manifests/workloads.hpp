// What keeps pods running: apps/v1.
#pragma once

#include <optional>
#include <string>

#include "harmony/kubernetes_manifests/pod.hpp"

namespace harmony::kubernetes_manifests {

enum class DeploymentStrategy {
    RollingUpdate,  // the cluster's defaults: a quarter more, a quarter less
    Recreate        // the old pod ends before the new one starts
};

struct Deployment {
    Metadata metadata;
    std::optional<int> replicas = 1;  // none: left to whoever sets it
    Labels selector{};                // must be among the pods' labels
    PodTemplate pod{};
    DeploymentStrategy strategy = DeploymentStrategy::RollingUpdate;
    int progress_deadline_s = 600;
};

struct StatefulSet {
    Metadata metadata;
    std::optional<int> replicas = 1;
    Labels selector{};
    std::string service{};  // that names the pods
    PodTemplate pod{};
    // Whether a pod waits for the one before it. If so, a pod that never becomes ready also keeps the update
    // that would mend it from reaching it.
    bool in_order = false;
};

[[nodiscard]] Json to_json(const Deployment& object);
[[nodiscard]] Json to_json(const StatefulSet& object);

}  // namespace harmony::kubernetes_manifests
