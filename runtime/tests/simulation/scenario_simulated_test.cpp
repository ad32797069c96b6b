// The scenarios on the models of the simulation, in virtual time. scenario_real_test.cpp performs the same
// ones on the real parts.
#include <catch2/catch.hpp>

#include "harmony/contracts/fleet_api.hpp"
#include "harmony/contracts/kv.hpp"
#include "quiet_logging.hpp"
#include "scenario.hpp"
#include "world.hpp"

namespace harmony::simulation {

namespace {

constexpr Micros kForever = 100'000 * kHour;  // a process that is started again by a step
constexpr Micros kWaitBound = 90 * kMinute;   // as that of the simulation's own convergence
constexpr Micros kShortLook = 50 * kMillisecond;
constexpr Micros kLongLook = 5 * kSecond;
constexpr Micros kCloselyFor = kMinute;

class SimulatedWorld final : public ScenarioWorld {
 public:
    explicit SimulatedWorld(std::uint64_t seed) : world_(options(seed)) {
        link_.name = "scenario";
        world_.add_operator();
        for (const char* device : kScenarioDevices)
            world_.join_device(device, scenario_labels(device));
    }

    [[nodiscard]] std::string device_id(const std::string& device) const override { return device; }
    [[nodiscard]] std::string service_image() const override { return "stable:1"; }
    [[nodiscard]] std::string init_image() const override { return "init-ok:1"; }

    std::optional<contracts::Deployment> apply(const contracts::Deployment& deployment) override {
        world_.apply(deployment.metadata.name, deployment.spec);
        const auto stored = deployments();
        if (!stored) return std::nullopt;
        const auto found = stored->find(deployment.metadata.name);
        if (found == stored->end() || found->second.spec != deployment.spec) return std::nullopt;
        return found->second;
    }
    bool remove(const std::string& deployment) override {
        world_.remove(deployment);
        const auto stored = deployments();
        return stored && !stored->contains(deployment);
    }

    void perform(const Step& step) override {
        if (const auto* stop = std::get_if<StopBroker>(&step)) {
            world_.broker().stop(false);
            for (const std::string_view bucket : contracts::kBuckets) {
                if (stop->lose_buckets) world_.broker().lose_bucket(bucket);
            }
        } else if (std::holds_alternative<StartBroker>(step)) {
            world_.broker().start();
        } else if (std::holds_alternative<KillOperator>(step)) {
            world_.operator_node(0).kill(kForever);
        } else if (std::holds_alternative<StartOperator>(step)) {
            world_.operator_node(0).start();
        } else if (const auto* kill = std::get_if<KillAgent>(&step)) {
            node(kill->device).kill(kForever);
        } else if (const auto* start = std::get_if<StartAgent>(&step)) {
            node(start->device).start();
        } else if (const auto* lose = std::get_if<LoseContainers>(&step)) {
            while (!node(lose->device).podman.containers().empty())
                node(lose->device).podman.remove_any();
        } else {
            for (const char* device : kScenarioDevices)
                node(device).podman.set_up(std::holds_alternative<StartPodman>(step));
        }
        // A death is told in an event of its own.
        world_.run_for(kMillisecond);
    }

    std::optional<Entries> entries(std::string_view bucket) override {
        const Broker::Bucket* stored = world_.broker().up() ? world_.broker().bucket(bucket) : nullptr;
        if (!stored) return std::nullopt;
        Entries result;
        for (const auto& [key, entry] : stored->entries) {
            if (!entry.deleted) result.emplace(key, entry.value);
        }
        return result;
    }
    std::optional<Containers> containers() override {
        Containers result;
        for (const char* device : kScenarioDevices)
            result[device] = node(device).podman.containers();
        return result;
    }
    std::optional<Deployments> deployments() override {
        const auto reply = ask(contracts::kDeploymentsList, contracts::ListRequest{}.encode());
        const auto list = reply ? contracts::DeploymentList::decode(*reply)
                                : Result<contracts::DeploymentList>(fail(ErrorKind::Timeout, "no reply"));
        if (!list) return std::nullopt;
        Deployments result;
        for (const contracts::Deployment& deployment : list->items)
            result.emplace(deployment.metadata.name, deployment);
        return result;
    }

    bool wait_until(const std::function<bool()>& holds) override {
        for (Micros waited = 0; waited < kWaitBound && !world_.violation();) {
            if (holds()) return !world_.violation();
            const Micros look = waited < kCloselyFor ? kShortLook : kLongLook;
            world_.run_for(look);
            waited += look;
        }
        return false;
    }

    // With the simulation's own idea of convergence, and the invariants of every moment.
    std::string why_not_held() {
        world_.converge();
        const auto& violation = world_.violation();
        return violation ? violation->invariant + ": " + violation->detail + "\n" + world_.history() : "";
    }

 private:
    static WorldOptions options(std::uint64_t seed) {
        WorldOptions options;
        options.seed = seed;
        return options;
    }
    AgentNode& node(const std::string& device) { return world_.device(device == "one" ? 0 : 1); }

    std::optional<std::string> ask(std::string_view subject, std::string payload) {
        runtime::nats::Message message;
        message.subject = std::string(subject);
        message.payload = std::move(payload);
        struct Answer {
            bool came = false;
            std::optional<std::string> text;
        };
        const auto answer = std::make_shared<Answer>();
        world_.broker().call_api(link_, std::move(message), [answer](std::optional<std::string> text) {
            *answer = {true, std::move(text)};
        });
        while (!answer->came && !world_.violation())
            world_.run_for(kShortLook);
        return answer->text;
    }

    Link link_;
    World world_;
};

std::string perform_simulated(const Scenario& scenario, std::uint64_t seed) {
    SimulatedWorld world(seed);
    const std::string why = perform(scenario, world);
    const std::string violated = world.why_not_held();
    return why + (why.empty() || violated.empty() ? "" : "; ") + violated;
}

constexpr std::uint64_t kSeeds = 10;

}  // namespace

TEST_CASE("every scenario holds on the models, whatever the seed makes of delays") {
    be_quiet();
    for (const Scenario& scenario : all_scenarios()) {
        for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
            INFO(scenario.name << ", seed " << seed);
            CHECK(perform_simulated(scenario, seed) == "");
        }
    }
}

TEST_CASE("a scenario that ends elsewhere than it says fails") {
    be_quiet();
    Scenario scenario = podman_goes_and_comes_back();
    scenario.left = {"web"};
    CHECK(perform_simulated(scenario, 1) != "");
    // Podman stays away.
    scenario = podman_goes_and_comes_back();
    scenario.steps.pop_back();
    CHECK_THAT(perform_simulated(scenario, 1), Catch::Contains("does not run as it should"));
    // The agent stays away: the desired state alone is not enough.
    scenario = agent_dies_in_the_middle_of_its_work();
    scenario.steps.pop_back();
    CHECK_THAT(perform_simulated(scenario, 1), Catch::Contains("in the end"));
}

TEST_CASE("what is not as wanted is told part by part") {
    be_quiet();
    SimulatedWorld world(1);
    REQUIRE(perform({"one deployment", {ApplyStep{"web", {}, "1"}}, {"web"}}, world) == "");
    Wanted wanted;
    auto deployments = *world.deployments();
    for (const auto& [name, deployment] : deployments)
        wanted.deployments[name] = {deployment.spec, deployment.metadata.generation};
    for (const char* device : kScenarioDevices)
        wanted.devices[device] = scenario_labels(device);
    auto desired = *world.entries(contracts::kDesiredStateBucket);
    auto states = *world.entries(contracts::kDeviceStateBucket);
    auto containers = *world.containers();
    CHECK(why_not_desired(wanted, desired) == "");
    CHECK(why_not_running(wanted, containers) == "");
    CHECK(why_not_reported(wanted, states) == "");
    CHECK(why_not_told(wanted, deployments, states) == "");
    CHECK(why_two_generations(containers) == "");

    desired["one.old"] = "{}";
    CHECK_THAT(why_not_desired(wanted, desired), Catch::Contains("an orphan: one.old"));
    desired.erase("one.old");
    desired["two.web"] = "{}";
    CHECK_THAT(why_not_desired(wanted, desired), Catch::Contains("two.web is {}"));
    containers["one"].push_back(containers["one"].front());
    CHECK_THAT(why_not_running(wanted, containers), Catch::Contains("has 2 containers"));
    CHECK_THAT(why_two_generations(containers), Catch::Contains("twice"));
    containers["two"].front().status = runtime::podman::ContainerStatus::Exited;
    CHECK_THAT(why_not_running(wanted, containers), Catch::Contains("has 2 containers"));
    containers["one"].pop_back();
    CHECK_THAT(why_not_running(wanted, containers), Catch::Contains("does not run"));
    auto fewer = states;
    fewer.erase("state.one.web");
    CHECK_THAT(why_not_reported(wanted, fewer), Catch::Contains("state.one.web is not there"));
    CHECK_THAT(why_not_told(wanted, deployments, fewer), Catch::Contains("says 2 of 2"));
    states["state.one.old"] = "{}";
    CHECK_THAT(why_not_reported(wanted, states), Catch::Contains("an orphan"));
    wanted.deployments["lost"] = wanted.deployments["web"];
    CHECK_THAT(why_not_told(wanted, deployments, states), Catch::Contains("lost was acknowledged"));
    wanted.deployments.clear();
    CHECK_THAT(why_not_told(wanted, deployments, states), Catch::Contains("still there"));
}

}  // namespace harmony::simulation
