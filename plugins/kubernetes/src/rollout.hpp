// Whether an object is rolled out, and why its pods are not. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace harmony::cluster {

using nlohmann::json;

enum class RolloutPhase { Waiting, Ready, Failed };

struct RolloutState {
    RolloutPhase phase = RolloutPhase::Waiting;
    std::string detail;  // "2 of 3 replicas are available"

    friend bool operator==(const RolloutState&, const RolloutState&) = default;
};

// Deployments, StatefulSets, DaemonSets, Jobs, Pods, volume claims, namespaces and definitions have their own
// meaning of ready; anything else is ready once it exists.
[[nodiscard]] RolloutState rollout_state(const json& object);

// The labels that select the pods of a workload, as a selector; nothing for what has no pods. Only
// matchLabels count: it is what the workloads of a Score use.
[[nodiscard]] std::optional<std::string> pod_selector(const json& object);

struct PodTrouble {
    std::string text{};  // one sentence, names pod and container
    std::string pod{};   // whose logs say more; empty where no container ran
    std::string container{};
    bool previous = false;  // of the container that ended before the one there is now
    bool hopeless = false;  // waiting longer does not help
};

// What keeps one pod from running. Nothing where it runs or simply starts.
[[nodiscard]] std::optional<PodTrouble> pod_trouble(const json& pod);

// The message of the last warning among events (v1) of an object; empty when there is none.
[[nodiscard]] std::string last_warning(const std::vector<json>& events);

}  // namespace harmony::cluster
