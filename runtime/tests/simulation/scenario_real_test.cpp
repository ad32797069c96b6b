// The scenarios on the real parts: nats-server, podman, and the operator's and the agents' own programs.
#include <signal.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>

#include "agent_fixture.hpp"
#include "harmony/agent/container_identity.hpp"
#include "harmony/fleet_client/fleet_api_client.hpp"
#include "harmony/nats/key_value.hpp"
#include "operator_process.hpp"
#include "scenario.hpp"

namespace harmony::simulation {

namespace {

constexpr std::chrono::seconds kAnswerWithin{3};
constexpr int kSkipped = 4;  // SKIP_RETURN_CODE of harmony_add_test

class RealWorld final : public ScenarioWorld {
 public:
    RealWorld() {
        for (const char* device : kScenarioDevices)
            start(device);
    }
    // The fixture removes containers through the service.
    ~RealWorld() override { fleet_.podman.start_service(); }

    [[nodiscard]] std::string device_id(const std::string& device) const override {
        return fleet_.device(device);
    }
    [[nodiscard]] std::string service_image() const override { return fleet_.podman.image(); }
    [[nodiscard]] std::string init_image() const override { return fleet_.podman.image(); }

    std::optional<contracts::Deployment> apply(const contracts::Deployment& deployment) override {
        auto applied = api_.apply(deployment);
        if (!applied) return std::nullopt;
        return std::move(applied->deployment);
    }
    bool remove(const std::string& deployment) override {
        const auto deleted = api_.delete_deployment(deployment);
        return deleted || deleted.error().kind() == ErrorKind::NotFound;
    }

    void perform(const Step& step) override {
        if (const auto* stop = std::get_if<StopBroker>(&step)) {
            fleet_.nats->kill();
            if (stop->lose_buckets) fleet_.nats->wipe_storage();
        } else if (std::holds_alternative<StartBroker>(step)) {
            fleet_.nats->start();
        } else if (std::holds_alternative<KillOperator>(step)) {
            operator_->kill();
        } else if (std::holds_alternative<StartOperator>(step)) {
            operator_ = std::make_unique<op::testing::OperatorProcess>(home_);
        } else if (const auto* kill = std::get_if<KillAgent>(&step)) {
            REQUIRE(fleet_.stop_agent(device_id(kill->device), SIGKILL) == -SIGKILL);
        } else if (const auto* agent = std::get_if<StartAgent>(&step)) {
            start(agent->device);
        } else if (const auto* lose = std::get_if<LoseContainers>(&step)) {
            for (const auto& container : fleet_.containers(device_id(lose->device)))
                REQUIRE(podman_->remove(container.id));
        } else if (std::holds_alternative<StopPodman>(step)) {
            fleet_.podman.stop_service();
        } else if (std::holds_alternative<StartPodman>(step)) {
            fleet_.podman.start_service();
        }
    }

    std::optional<Entries> entries(std::string_view bucket) override {
        runtime::nats::KeyValue values(fleet_.admin(), std::string(bucket), kAnswerWithin);
        const auto loaded = values.load();
        if (!loaded) return std::nullopt;
        Entries result;
        for (const auto& entry : *loaded)
            result[entry.key] = entry.value;
        return result;
    }
    std::optional<Containers> containers() override {
        Containers result;
        for (const char* device : kScenarioDevices) {
            const auto id = *contracts::DeviceId::parse(device_id(device));
            auto listed = podman_->list(agent::owned_labels(id));
            if (!listed) return std::nullopt;
            result[id.str()] = *std::move(listed);
        }
        return result;
    }
    std::optional<Deployments> deployments() override {
        const auto listed = api_.all_deployments();
        if (!listed) return std::nullopt;
        Deployments result;
        for (const contracts::Deployment& deployment : *listed)
            result.emplace(deployment.metadata.name, deployment);
        return result;
    }

    bool wait_until(const std::function<bool()>& holds) override {
        return agent::testing::eventually(holds) || agent::testing::eventually(holds);
    }

    [[nodiscard]] std::string logs() const {
        std::string text = "operator:\n" + home_.log();
        for (const char* device : kScenarioDevices)
            text += "\n" + device_id(device) + ":\n" + fleet_.log_of(device_id(device));
        return text;
    }

 private:
    void start(const std::string& device) {
        std::string labels;
        for (const auto& [key, value] : scenario_labels(device))
            labels += key + " = \"" + value + "\"\n";
        fleet_.further_labels = labels;
        fleet_.start_agent(device_id(device), "resync_interval_s = 5\n");
    }

    agent::testing::Fleet fleet_;
    std::unique_ptr<runtime::podman::ContainerRuntime> podman_ =
        runtime::podman::make_podman_runtime({.socket_path = fleet_.podman.socket_path()});
    op::testing::OperatorHome home_{fleet_.nats->url(),
                                    "heartbeat_interval_s = 1\nheartbeat_stale_after_s = 30"};
    std::unique_ptr<op::testing::OperatorProcess> operator_ =
        std::make_unique<op::testing::OperatorProcess>(home_);
    runtime::fleet_client::FleetApiClient api_{fleet_.admin(), kAnswerWithin};
};

void on_the_real_parts(const Scenario& scenario) {
    if (const auto reason = runtime::podman_testing::podman_missing_reason(); !reason.empty()) {
        std::cout << "SKIPPED: " << reason << '\n' << std::flush;
        std::exit(kSkipped);
    }
    RealWorld world;
    const std::string why = perform(scenario, world);
    if (!why.empty()) FAIL(scenario.name << ": " << why << "\n" << world.logs());
}

}  // namespace

TEST_CASE("on the real parts, the broker restarts while a deployment changes") {
    on_the_real_parts(broker_restarts_while_a_deployment_changes());
}
TEST_CASE("on the real parts, all buckets are lost and the operator restarts") {
    on_the_real_parts(all_buckets_are_lost_and_the_operator_restarts());
}
TEST_CASE("on the real parts, an agent dies in the middle of its work") {
    on_the_real_parts(agent_dies_in_the_middle_of_its_work());
}
TEST_CASE("on the real parts, podman goes and comes back while a deployment changes") {
    on_the_real_parts(podman_goes_and_comes_back());
}
TEST_CASE("on the real parts, a device boots while the broker is away") {
    on_the_real_parts(device_boots_while_the_broker_is_away());
}
TEST_CASE("on the real parts, a deployment is deleted while its device is off") {
    on_the_real_parts(deployment_is_deleted_while_its_device_is_off());
}

}  // namespace harmony::simulation
