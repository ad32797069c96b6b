// The objects of the server on a cluster. Pure: the same inputs give the same objects.
#pragma once

#include <harmony/capability/kubernetes.hpp>
#include <optional>
#include <string>
#include <vector>

#include "fleet_nats_score.hpp"

namespace harmony::fleet_nats {

inline constexpr const char* kConfigSecret = "fleet-nats-config";
inline constexpr const char* kDataClaim = "fleet-nats-data";
inline constexpr const char* kFirstPod = "fleet-nats-0";
inline constexpr int kClusterPort = 4222;
// Of the StatefulSet: the users that the running server was last made to load.
inline constexpr const char* kUsersLoaded = "io.nationtech.harmony/users-loaded";
// Of its pods: a change starts them anew.
inline constexpr const char* kUsersAtStart = "io.nationtech.harmony/users-at-start";
inline constexpr const char* kConfigHash = "io.nationtech.harmony/config-hash";
// Of a pod: makes its node look at the pod's files at once instead of after a minute.
inline constexpr const char* kHurry = "io.nationtech.harmony/hurry";

struct ClusterInputs {
    std::string context;
    std::string image;
    std::string server_config{};
    std::string users_config{};
    std::string system_config{};
    std::string revision{};        // of users and system configuration
    std::string users_at_start{};  // the revision with which the pod was started
    bool persistent = false;
    std::string storage_class{};  // of the volume; empty: the cluster decides
};

// All kinds but that of the data.
[[nodiscard]] std::vector<plugin::KubernetesKind> cluster_kinds();
[[nodiscard]] plugin::KubernetesKind data_kind();

[[nodiscard]] std::vector<plugin::Json> cluster_objects(const NatsParameters& parameters,
                                                        const ClusterInputs& inputs);
// The StatefulSet among them.
[[nodiscard]] plugin::KubernetesRef workload_ref(const NatsParameters& parameters);
// A pod with nothing but the annotation kHurry.
[[nodiscard]] plugin::Json hurried_pod(const NatsParameters& parameters, const std::string& value);

}  // namespace harmony::fleet_nats
