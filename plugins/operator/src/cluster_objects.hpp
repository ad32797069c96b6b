// The objects of the operator on a cluster. Pure: the same values give the same objects. Texts may be
// expressions of a template, which is how a chart is made of them.
#pragma once

#include <harmony/capability/kubernetes.hpp>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "operator_config.hpp"

namespace harmony::fleet_operator {

inline constexpr const char* kWorkload = "fleet-operator";  // and the name of most objects
inline constexpr const char* kCredentialsSecret = "fleet-operator-credentials";
inline constexpr const char* kImageName = "harmony-fleet-operator";
inline constexpr const char* kLease = "harmony-fleet-operator";

struct ClusterValues {
    std::string name_space{};
    std::map<std::string, std::string> labels{};  // of every object and pod, beside the name
    std::string image{};
    std::string image_pull_secret{};  // empty: none
    std::string config{};
    std::string config_hash{};
    std::string credentials_secret = kCredentialsSecret;
    std::optional<std::string> credentials{};  // none: the Secret is somebody else's
    std::string credentials_hash{};            // empty: pods do not follow a change
    int replicas = 1;
    std::string cpu_request{};
    std::string memory_request{};
    std::string memory_limit{};
};

// Kinds of all objects that the Score ever applied, without its definitions.
[[nodiscard]] std::vector<plugin::KubernetesKind> cluster_kinds();
[[nodiscard]] std::vector<nlohmann::json> cluster_objects(const ClusterValues& values);

// Where a pod has its files and pages. `store` has to live as long as what is returned.
[[nodiscard]] OperatorSettings pod_settings(const ClusterStore& store);
[[nodiscard]] std::string config_hash(const std::string& config);  // SHA-256, as templates can compute it

}  // namespace harmony::fleet_operator
