#include "harmony/agent/plan.hpp"

#include <catch2/catch.hpp>
#include <set>

namespace harmony::agent {
namespace {

namespace podman = runtime::podman;
using podman::ContainerStatus;

const auto kDevice = *contracts::DeviceId::parse("dev");
const auto kApp = *contracts::DeploymentName::parse("app");

contracts::PodmanV0 two_services() {
    contracts::PodmanV0 score;
    score.services.resize(2);
    score.services[0].name = "web";
    score.services[1].name = "db";
    for (auto& service : score.services)
        service.image = "localhost/x:1";
    return score;
}

std::vector<podman::Container> running(const ContainerSet& set) {
    std::vector<podman::Container> containers;
    for (const podman::ContainerSpec& spec : set.services) {
        podman::Container container;
        container.id = "id-" + spec.name;
        container.name = spec.name;
        container.image = spec.image;
        container.labels = spec.labels;
        container.status = ContainerStatus::Running;
        container.started_at = 100;
        containers.push_back(container);
    }
    return containers;
}

}  // namespace

TEST_CASE("containers that are as desired need nothing") {
    const auto set = containers_of(kDevice, kApp, two_services());
    CHECK(plan(set, running(set)).empty());
    CHECK(assess(set, running(set), {}).phase == contracts::Phase::Running);
}

TEST_CASE("a change of one service replaces that one only") {
    auto score = two_services();
    const auto before = running(containers_of(kDevice, kApp, score));
    score.services[0].env["A"] = "1";
    const auto wanted = plan(containers_of(kDevice, kApp, score), before);
    REQUIRE(wanted.remove == std::vector<ContainerReference>{{"hf.dev.app.web", "id-hf.dev.app.web"}});
    REQUIRE(wanted.create.size() == 1);
    CHECK(wanted.create[0].name == "hf.dev.app.web");
}

TEST_CASE("a service that left the score and a whole deployment that goes are removed") {
    auto score = two_services();
    const auto before = running(containers_of(kDevice, kApp, score));
    score.services.pop_back();
    const auto smaller = plan(containers_of(kDevice, kApp, score), before);
    CHECK(smaller.create.empty());
    CHECK(smaller.remove == std::vector<ContainerReference>{{"hf.dev.app.db", "id-hf.dev.app.db"}});
    CHECK(plan(std::nullopt, before).remove.size() == 2);
}

TEST_CASE("init containers come with every creation, and a change of one asks for fresh services") {
    auto score = two_services();
    const auto before = running(containers_of(kDevice, kApp, score));
    score.init_containers.resize(1);
    score.init_containers[0].name = "prepare";
    score.init_containers[0].image = "localhost/x:1";
    const auto set = containers_of(kDevice, kApp, score);
    const auto wanted = plan(set, before);
    CHECK(wanted.init.size() == 1);
    CHECK(wanted.create.size() == 2);
    CHECK(plan(set, running(set)).init.empty());

    auto with_leftover = running(set);
    with_leftover.push_back(with_leftover[0]);
    with_leftover.back().name = set.init[0].container.name;
    with_leftover.back().labels = set.init[0].container.labels;
    CHECK(plan(set, with_leftover).remove_leftovers.size() == 1);
    CHECK(assess(set, with_leftover, {}).containers.size() == 2);
}

TEST_CASE("a container that ended is started again as its policy says") {
    auto score = two_services();
    const auto outcome = [&](contracts::RestartPolicy policy, ContainerStatus status, int code) {
        score.services[0].restart_policy = policy;
        const auto set = containers_of(kDevice, kApp, score);
        auto containers = running(set);
        containers[0].status = status;
        containers[0].exit_code = code;
        return std::pair(!plan(set, containers).start.empty(), assess(set, containers, {}).phase);
    };
    using contracts::Phase;
    using contracts::RestartPolicy;
    CHECK(outcome(RestartPolicy::Always, ContainerStatus::Exited, 0) == std::pair(true, Phase::Failed));
    CHECK(outcome(RestartPolicy::OnFailure, ContainerStatus::Exited, 0) == std::pair(false, Phase::Running));
    CHECK(outcome(RestartPolicy::OnFailure, ContainerStatus::Exited, 1) == std::pair(true, Phase::Failed));
    CHECK(outcome(RestartPolicy::No, ContainerStatus::Exited, 0) == std::pair(false, Phase::Running));
    CHECK(outcome(RestartPolicy::No, ContainerStatus::Exited, 3) == std::pair(false, Phase::Failed));
    CHECK(outcome(RestartPolicy::No, ContainerStatus::Created, 0) == std::pair(true, Phase::Pending));
}

TEST_CASE("a container that podman keeps restarting counts as failing until it has settled") {
    const auto set = containers_of(kDevice, kApp, two_services());
    const auto containers = running(set);
    const std::vector<std::string> restarted{containers[0].id};
    CHECK(assess(set, containers, restarted).phase == contracts::Phase::Failed);
    CHECK(assess(set, containers, {}).phase == contracts::Phase::Running);
}

TEST_CASE("different devices, deployments and services never share a container's name") {
    const auto name = [](const char* device, const char* deployment, const char* service) {
        return service_container_name(*contracts::DeviceId::parse(device),
                                      *contracts::DeploymentName::parse(deployment), service);
    };
    const std::set<std::string> names{name("a", "b", "c"),       name("a-b", "c", "d"),
                                      name("a", "b-c", "d"),     name("a", "b", "c-d"),
                                      name("a-b-c", "d", "e"),   init_container_name(kDevice, kApp, "init"),
                                      name("dev", "app", "init")};
    CHECK(names.size() == 7);
}

TEST_CASE("the hash of a specification is the same in every life of the agent") {
    const auto set = containers_of(kDevice, kApp, two_services());
    const auto again = containers_of(kDevice, kApp, *contracts::PodmanV0::decode(two_services().encode()));
    CHECK(set.services == again.services);
}

}  // namespace harmony::agent
