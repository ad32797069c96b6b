#include "cluster_fleet.hpp"

#include <catch2/catch.hpp>

#include "harmony/contracts/kv.hpp"
#include "harmony/contracts/podman_v0.hpp"

namespace harmony::op::testing {

std::unique_ptr<ClusterOperator> Cluster::operator_with(int devices, double seconds, bool leads) {
    auto one = std::make_unique<ClusterOperator>(server, bucket);
    for (int number = 0; number < devices; ++number) {
        contracts::DeviceInfo info;
        info.device_id = device_id("d" + std::to_string(number));
        info.agent_version = "0.1.0";
        one->resources.take_device(info, at(seconds));
    }
    if (leads) one->lead(true);
    one->run(seconds);
    return one;
}

std::unique_ptr<ClusterOperator> Cluster::operator_that_runs(int devices,
                                                             const contracts::Deployment& document) {
    auto one = operator_with(devices);
    user.apply(document);
    one->run(2);
    return one;
}

std::unique_ptr<ClusterOperator> Cluster::operator_before_rollout(int devices) {
    auto one = operator_that_runs(devices, rolling("img:1"));
    report_all(*one, 2);
    one->run(3);
    return one;
}

std::unique_ptr<ClusterOperator> Cluster::operator_in_rollout(int devices) {
    auto one = operator_before_rollout(devices);
    user.apply(rolling("img:2"));
    one->run(3);
    REQUIRE(holding("img:2") == 2);
    return one;
}

void Cluster::report_all(ClusterOperator& one, double seconds) {
    for (const auto& [key, bytes] : bucket.values) {
        const auto parsed = contracts::parse_desired_state_key(key);
        if (!parsed || !parsed->deployment) continue;
        one.reducer.apply(HeartbeatSeen{parsed->device, "", at(seconds)}, at(seconds));
        one.reducer.apply(
            StateReported{parsed->device, state(parsed->deployment->str(), contracts::Phase::Running,
                                                contracts::Score::decode(bytes).value(), at(seconds))},
            at(seconds));
    }
}

std::string Cluster::value(const std::string& key) const {
    const auto found = bucket.values.find(key);
    return found == bucket.values.end() ? "" : found->second;
}

int Cluster::holding(const std::string& image) const {
    int result = 0;
    for (const auto& [key, bytes] : bucket.values)
        result += bytes == score(image).encode() ? 1 : 0;
    return result;
}

contracts::Deployment web(const std::string& image) {
    return deployment("web", selector({}), image);
}

contracts::Deployment rolling(const std::string& image) {
    auto document = web(image);
    document.spec.rollout = contracts::Rolling{{2, false}, std::chrono::seconds{0}, {0, false}};
    return document;
}

contracts::Deployment large(const std::string& image) {
    auto document = web(image);
    contracts::PodmanV0 payload;
    payload.services.resize(1);
    payload.services[0].name = "main";
    payload.services[0].image = image;
    payload.services[0].args = {std::string(2 * kInlineScoreBytes, 'x')};
    document.spec.score = payload.to_score();
    return document;
}

Json spec_of_no_use(const contracts::Deployment& document) {
    Json spec = Json::parse(document.encode()).at("spec");
    spec["score"]["data"]["services"][0]["ports"] = {"no port"};
    return spec;
}

}  // namespace harmony::op::testing
