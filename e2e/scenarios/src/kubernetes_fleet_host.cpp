#include "kubernetes_fleet_host.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "fleet.hpp"

namespace harmony::fleet_e2e {

using plugin::failure;

namespace {

constexpr const char* kImagesVariable = "FLEET_E2E_IMAGES";
constexpr const char* kNameLabel = "app.kubernetes.io/name";
// Outside the cluster, and one for all of it: no two runs at a time.
constexpr int kNodePort = 30423;
constexpr int kGoneTimeoutS = 90;
constexpr std::chrono::milliseconds kPollInterval{100};

struct ScoreOnCluster {
    std::string_view score;
    std::string_view image;
};
constexpr ScoreOnCluster kScores[] = {{"FleetNatsScore", "harmony-nats-server"},
                                      {"FleetOperatorScore", "harmony-fleet-operator"},
                                      {"FleetAgentScore", "harmony-fleet-agent"}};

std::string_view score_of(const std::string& program) {
    if (program == kBrokerDaemon) return "FleetNatsScore";
    if (program == kOperatorDaemon) return "FleetOperatorScore";
    return "FleetAgentScore";
}

plugin::KubernetesRef workload_of(const std::string& program, const std::string& name_space) {
    const char* kind = program == kBrokerDaemon ? "StatefulSet" : "Deployment";
    return {.api_version = "apps/v1", .kind = kind, .name_space = name_space, .name = program};
}

std::string text_at(const Json& object, std::string_view outer, std::string_view inner) {
    return object[outer][inner].string_or("");
}

bool is_ready(const Json& pod) {
    const auto& conditions = pod["status"]["conditions"].items();
    return std::ranges::any_of(conditions, [](const Json& condition) {
        return condition["type"].string_or("") == "Ready" && condition["status"].string_or("") == "True";
    });
}

}  // namespace

Result<Images> images_of_environment() {
    const char* path = std::getenv(kImagesVariable);
    if (path == nullptr || *path == '\0') return Images{};
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto list = Json::parse(text);
    if (!list || !list->is_object())
        return failed(std::string(kImagesVariable) + " names " + path +
                      ", which is not a list of images; e2e/images/build writes one");
    Images images;
    for (const auto& [name, reference] : list->members())
        images[name] = reference.string_or("");
    return images;
}

Result<void> KubernetesFleetHost::prepare() {
    return apply_("E2eNamespaceScore", Json::object({{"namespace", name_space_}}));
}

Json KubernetesFleetHost::settings_of(std::string_view score, Json settings) {
    settings["namespace"] = name_space_;
    if (score == "FleetNatsScore") settings["node_port"] = kNodePort;
    for (const auto& known : kScores) {
        const auto image = images_.find(std::string(known.image));
        if (known.score == score && image != images_.end()) settings["image"] = image->second;
    }
    settings_[std::string(score)] = settings;
    return settings;
}

Result<std::vector<Json>> KubernetesFleetHost::pods(const std::string& program) {
    return cluster_.list({.kind = {.api_version = "v1", .kind = "Pod"},
                          .name_space = name_space_,
                          .labels = {{kNameLabel, program}}});
}

Result<std::vector<Json>> KubernetesFleetHost::running_pods(const std::string& program) {
    auto found = pods(program);
    if (!found) return failure(std::move(found.error()));
    std::erase_if(*found,
                  [](const Json& pod) { return !text_at(pod, "metadata", "deletionTimestamp").empty(); });
    return found;
}

Result<Instance> KubernetesFleetHost::instance(const std::string& program) {
    const auto found = running_pods(program);
    if (!found) return failure(found.error());
    if (found->empty()) return Instance{};
    return Instance{text_at(found->front(), "metadata", "uid"), is_ready(found->front())};
}

Result<void> KubernetesFleetHost::stop(const std::string& program) {
    auto removed = cluster_.remove({.ref = workload_of(program, name_space_), .timeout_s = kGoneTimeoutS});
    if (!removed) return failure(std::move(removed.error()));
    const auto until = plugin::Call::Clock::now() + std::chrono::seconds(kGoneTimeoutS);
    for (;;) {
        const auto left = pods(program);
        if (!left) return failure(left.error());
        if (left->empty()) return {};
        if (plugin::Call::Clock::now() >= until) return failed("pods of " + program + " do not end");
        if (!call_.wait(kPollInterval)) return plugin::cancelled_failure();
    }
}

Result<void> KubernetesFleetHost::start(const std::string& program) {
    const auto score = settings_.find(score_of(program));
    if (score == settings_.end()) return failed("nothing has applied the Score of " + program);
    return apply_(score->first, score->second);
}

Result<void> KubernetesFleetHost::kill(const std::string& program) {
    // One that was killed a moment ago may not have its successor yet.
    const auto until = plugin::Call::Clock::now() + patience();
    auto found = running_pods(program);
    while (found && found->empty()) {
        if (plugin::Call::Clock::now() >= until)
            return failed("no pod of " + program + " runs in " + name_space_);
        if (!call_.wait(kPollInterval)) return plugin::cancelled_failure();
        found = running_pods(program);
    }
    if (!found) return failure(std::move(found.error()));
    for (const Json& pod : *found) {
        auto removed = cluster_.remove({.ref = {.api_version = "v1",
                                                .kind = "Pod",
                                                .name_space = name_space_,
                                                .name = text_at(pod, "metadata", "name")},
                                        .propagation = plugin::KubernetesPropagation::Background,
                                        .timeout_s = 0});
        if (!removed) return failure(std::move(removed.error()));
    }
    return {};
}

Result<void> KubernetesFleetHost::apply_operator(int replicas) {
    Json settings = settings_["FleetOperatorScore"];
    settings["replicas"] = replicas;
    return apply_("FleetOperatorScore", settings);
}

Result<void> KubernetesFleetHost::add_operator() {
    return apply_operator(2);
}

Result<void> KubernetesFleetHost::remove_second_operator() {
    return apply_operator(1);
}

}  // namespace harmony::fleet_e2e
