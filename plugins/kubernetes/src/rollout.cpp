#include "rollout.hpp"

#include <algorithm>

#include "inventory.hpp"
#include "object_fields.hpp"

namespace harmony::cluster {
namespace {

// From here on a container that ends is not expected to recover by itself; the kubelet waits 80 s by then.
constexpr std::int64_t kHopelessRestarts = 4;

std::string count_text(std::int64_t have, std::int64_t want, const char* what) {
    return std::to_string(have) + " of " + std::to_string(want) + " " + what;
}

const json* condition(const json& object, const std::string& type) {
    const json& conditions = at(object, {"status", "conditions"});
    if (!conditions.is_array()) return nullptr;
    for (const json& each : conditions) {
        if (text_at(each, {"type"}) == type) return &each;
    }
    return nullptr;
}

bool is_true(const json* condition) {
    return condition != nullptr && text_at(*condition, {"status"}) == "True";
}

bool is_false(const json* condition) {
    return condition != nullptr && text_at(*condition, {"status"}) == "False";
}

// The controller has not looked at the newest specification yet.
bool unobserved(const json& object) {
    return number_at(object, {"status", "observedGeneration"}) <
           number_at(object, {"metadata", "generation"});
}

RolloutState deployment(const json& object) {
    const std::int64_t wanted = number_at(object, {"spec", "replicas"}, 1);
    const std::int64_t updated = number_at(object, {"status", "updatedReplicas"});
    const std::int64_t available = number_at(object, {"status", "availableReplicas"});
    const std::int64_t all = number_at(object, {"status", "replicas"});
    if (unobserved(object)) return {RolloutPhase::Waiting, "its controller has not seen it yet"};
    if (const json* progressing = condition(object, "Progressing");
        is_false(progressing) && text_at(*progressing, {"reason"}) == "ProgressDeadlineExceeded") {
        return {RolloutPhase::Failed, "it made no progress within its deadline"};
    }
    // Such as a quota, or a service account that is missing.
    if (const json* refused = condition(object, "ReplicaFailure"); is_true(refused)) {
        return {RolloutPhase::Waiting, "pods can't be created: " + text_at(*refused, {"message"})};
    }
    if (updated < wanted) return {RolloutPhase::Waiting, count_text(updated, wanted, "replicas are new")};
    if (all > updated) {
        return {RolloutPhase::Waiting, count_text(all - updated, all, "replicas are old and still there")};
    }
    const std::string detail = count_text(available, wanted, "replicas are available");
    return {available < wanted ? RolloutPhase::Waiting : RolloutPhase::Ready, detail};
}

RolloutState stateful_set(const json& object) {
    const std::int64_t wanted = number_at(object, {"spec", "replicas"}, 1);
    const std::int64_t ready = number_at(object, {"status", "readyReplicas"});
    if (unobserved(object)) return {RolloutPhase::Waiting, "its controller has not seen it yet"};
    const bool old =
        text_at(object, {"status", "currentRevision"}) != text_at(object, {"status", "updateRevision"});
    if (old && text_at(object, {"spec", "updateStrategy", "type"}) != "OnDelete") {
        return {RolloutPhase::Waiting,
                count_text(number_at(object, {"status", "updatedReplicas"}), wanted, "replicas are new")};
    }
    return {ready < wanted ? RolloutPhase::Waiting : RolloutPhase::Ready,
            count_text(ready, wanted, "replicas are ready")};
}

RolloutState daemon_set(const json& object) {
    const std::int64_t wanted = number_at(object, {"status", "desiredNumberScheduled"});
    const std::int64_t updated = number_at(object, {"status", "updatedNumberScheduled"});
    const std::int64_t available = number_at(object, {"status", "numberAvailable"});
    if (unobserved(object)) return {RolloutPhase::Waiting, "its controller has not seen it yet"};
    const bool done = updated >= wanted && available >= wanted;
    return {done ? RolloutPhase::Ready : RolloutPhase::Waiting,
            count_text(std::min(updated, available), wanted, "nodes run it")};
}

RolloutState job(const json& object) {
    if (is_true(condition(object, "Complete"))) return {RolloutPhase::Ready, "it is complete"};
    if (const json* failed = condition(object, "Failed"); is_true(failed))
        return {RolloutPhase::Failed, "it failed: " + text_at(*failed, {"message"})};
    return {RolloutPhase::Waiting, "it runs"};
}

RolloutState pod(const json& object) {
    const std::string phase = text_at(object, {"status", "phase"});
    if (phase == "Succeeded") return {RolloutPhase::Ready, "it is complete"};
    if (phase == "Failed") return {RolloutPhase::Failed, "it failed"};
    if (is_true(condition(object, "Ready"))) return {RolloutPhase::Ready, "it is ready"};
    return {RolloutPhase::Waiting, phase.empty() ? "it is not scheduled" : "it is " + phase};
}

RolloutState by_phase(const json& object, const char* expected) {
    const std::string phase = text_at(object, {"status", "phase"});
    const bool ready = phase == expected;
    return {ready ? RolloutPhase::Ready : RolloutPhase::Waiting, "it is " + (phase.empty() ? "new" : phase)};
}

RolloutState definition(const json& object) {
    if (const json* names = condition(object, "NamesAccepted"); is_false(names))
        return {RolloutPhase::Failed, "its names are taken: " + text_at(*names, {"message"})};
    if (is_true(condition(object, "Established"))) return {RolloutPhase::Ready, "it is established"};
    return {RolloutPhase::Waiting, "it is not established yet"};
}

std::optional<PodTrouble> waiting_trouble(const std::string& name, const json& status,
                                          const std::string& image) {
    const std::string reason = text_at(status, {"state", "waiting", "reason"});
    const std::string message = text_at(status, {"state", "waiting", "message"});
    const std::string container = text_at(status, {"name"});
    const std::string what = "container " + container + " of pod " + name;
    if (reason == "ErrImagePull" || reason == "ImagePullBackOff" || reason == "RegistryUnavailable")
        return PodTrouble{what + ": the image " + image + " can't be pulled: " + message};
    if (reason == "InvalidImageName" || reason == "ErrImageNeverPull") {
        return PodTrouble{.text = what + ": the image " + image + " can't be used: " + message,
                          .hopeless = true};
    }
    if (reason == "CrashLoopBackOff") {
        const json& last = at(status, {"lastState", "terminated"});
        const std::int64_t restarts = number_at(status, {"restartCount"});
        std::string text = what + " ends again and again, last with exit code " +
                           std::to_string(number_at(last, {"exitCode"}));
        if (const std::string why = text_at(last, {"reason"}); !why.empty() && why != "Error")
            text += " (" + why + ")";
        text += ", " + std::to_string(restarts) + " restarts";
        return PodTrouble{text, name, container, true, restarts >= kHopelessRestarts};
    }
    if (reason.empty() || reason == "ContainerCreating" || reason == "PodInitializing") return std::nullopt;
    return PodTrouble{what + ": " + reason + (message.empty() ? "" : ": " + message)};
}

std::optional<PodTrouble> container_trouble(const std::string& name, const json& status,
                                            const std::string& image) {
    if (at(status, {"state", "waiting"}).is_object()) return waiting_trouble(name, status, image);
    const std::string container = text_at(status, {"name"});
    const json& ended = at(status, {"state", "terminated"});
    if (!ended.is_object() || number_at(ended, {"exitCode"}) == 0) return std::nullopt;
    return PodTrouble{"container " + container + " of pod " + name + " ended with exit code " +
                          std::to_string(number_at(ended, {"exitCode"})),
                      name, container, false, false};
}

// What it waits for is in its log.
std::optional<PodTrouble> unready_trouble(const std::string& name, const json& status) {
    const bool unready = at(status, {"ready"}) == json(false);
    if (!at(status, {"state", "running"}).is_object() || !unready) return std::nullopt;
    const std::string container = text_at(status, {"name"});
    return PodTrouble{"container " + container + " of pod " + name + " runs and is not ready", name,
                      container};
}

}  // namespace

RolloutState rollout_state(const json& object) {
    const std::string kind = text_at(object, {"kind"});
    if (kind == "Deployment" && text_at(object, {"apiVersion"}).starts_with("apps/"))
        return deployment(object);
    if (kind == "StatefulSet") return stateful_set(object);
    if (kind == "DaemonSet") return daemon_set(object);
    if (kind == "Job") return job(object);
    if (kind == "Pod") return pod(object);
    if (kind == "PersistentVolumeClaim") return by_phase(object, "Bound");
    if (kind == "Namespace") return by_phase(object, "Active");
    if (kind == "CustomResourceDefinition") return definition(object);
    return {RolloutPhase::Ready, "it exists"};
}

std::optional<std::string> pod_selector(const json& object) {
    const json& labels = at(object, {"spec", "selector", "matchLabels"});
    if (!labels.is_object() || labels.empty()) return std::nullopt;
    Labels wanted;
    for (const auto& [name, value] : labels.items()) {
        if (value.is_string()) wanted.emplace(name, value.get<std::string>());
    }
    return selector_of(wanted);
}

std::optional<PodTrouble> pod_trouble(const json& pod) {
    const std::string name = text_at(pod, {"metadata", "name"});
    if (const json* scheduled = condition(pod, "PodScheduled"); is_false(scheduled)) {
        return PodTrouble{"pod " + name + " fits no node: " + text_at(*scheduled, {"message"})};
    }
    // It may wait for another container of its pod, whose trouble is the cause.
    std::optional<PodTrouble> unready;
    for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
        const json& statuses = at(pod, {"status", list});
        if (!statuses.is_array()) continue;
        for (const json& status : statuses) {
            if (auto trouble = container_trouble(name, status, text_at(status, {"image"}))) return trouble;
            if (!unready) unready = unready_trouble(name, status);
        }
    }
    if (unready) return unready;
    if (at(pod, {"status", "containerStatuses"}).is_null() && text_at(pod, {"spec", "nodeName"}).empty())
        return PodTrouble{"pod " + name + " is not scheduled to a node"};
    const std::string reason = text_at(pod, {"status", "reason"});
    if (text_at(pod, {"status", "phase"}) == "Failed")
        return PodTrouble{"pod " + name + " failed: " + reason + " " + text_at(pod, {"status", "message"})};
    return std::nullopt;
}

std::string last_warning(const std::vector<json>& events) {
    std::string newest;
    std::string text;
    for (const json& event : events) {
        if (text_at(event, {"type"}) != "Warning") continue;
        const std::string time = text_at(event, {"lastTimestamp"});
        if (time < newest) continue;
        newest = time;
        text = text_at(event, {"reason"}) + ": " + text_at(event, {"message"});
    }
    return text;
}

}  // namespace harmony::cluster
