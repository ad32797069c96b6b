// Objects of the cluster as the operator reads and writes them. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/contracts/resources.hpp"
#include "harmony/kubernetes/resource.hpp"

namespace harmony::op {

inline constexpr std::string_view kFieldManager = "harmony-fleet-operator";
// Of another name: an API server of 1.20 would drop the fields that one manager applied elsewhere.
inline constexpr std::string_view kStatusFieldManager = "harmony-fleet-operator-status";
inline constexpr std::string_view kApiFieldManager = "harmony-fleet-api";

[[nodiscard]] runtime::kubernetes::ResourceType deployment_type();
[[nodiscard]] runtime::kubernetes::ResourceType config_map_type();

// A Deployment as the API server has it.
struct SeenDeployment {
    contracts::ObjectMeta
        metadata;               // name and uid are there; labels and annotations as far as a reply has room
    std::uint64_t version = 0;  // resourceVersion, to compare; 0 where it is no number
    bool held = false;          // has our finalizer
    std::vector<std::string> other_finalizers;
    std::optional<contracts::DeploymentSpec> spec;
    std::string problem;  // why there is no spec, or no such name
    std::optional<contracts::DeploymentStatus> status;
    std::uint64_t status_hash = 0;  // of status_text(); 0 where there is none

    // With the spec that it has, or this one.
    [[nodiscard]] contracts::Deployment document(const contracts::DeploymentSpec& instead) const;
};
// Nothing where it has no name or uid.
[[nodiscard]] std::optional<SeenDeployment> read_deployment(const nlohmann::json& object);

// `status` as it is written.
[[nodiscard]] std::string status_text(const contracts::DeploymentStatus& status);
[[nodiscard]] std::uint64_t status_hash(std::string_view text);

// ConfigMaps of a rollout's record: kept_rollout.hpp.
struct SeenRollout {
    std::string uid;   // of the Deployment
    std::string part;  // empty: the header
    std::string text;
    std::string resource_version;
    std::uint64_t version = 0;
};
[[nodiscard]] std::string rollout_selector();  // of labels
[[nodiscard]] std::optional<SeenRollout> read_rollout_object(const nlohmann::json& object);

struct RolloutOwner {
    std::string name_space;
    std::string name;
    std::string uid;
};
[[nodiscard]] std::string rollout_object_name(const std::string& uid, const std::string& part);
[[nodiscard]] nlohmann::json rollout_object(const RolloutOwner& owner, const std::string& part,
                                            const std::string& text, const std::string& resource_version);

}  // namespace harmony::op
