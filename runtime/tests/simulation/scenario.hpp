// What goes wrong in a small fleet, as lists of steps: the same list is performed on the models of the
// simulation and on a real nats-server, a real podman and the real programs.
//
// Steps are timed by what has to be reached before the next one, so that a list means the same in virtual
// time and on a slow machine.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "harmony/contracts/resources.hpp"
#include "harmony/podman/container_runtime.hpp"

namespace harmony::simulation {

// Applied until it is acknowledged; every version is another score.
struct ApplyStep {
    std::string deployment;
    contracts::Labels where;  // of the devices; empty: all
    std::string version;
    bool prepared = false;  // by an init container that takes a while
};
struct DeleteStep {
    std::string deployment;
};
struct StopBroker {
    bool lose_buckets = false;
};
struct StartBroker {};
// Processes end as by SIGKILL.
struct KillOperator {};
struct StartOperator {};
struct KillAgent {
    std::string device;
};
struct StartAgent {
    std::string device;
};
// On every device.
struct StopPodman {};
struct StartPodman {};
// All containers of the device are removed, as where its storage is new after a boot.
struct LoseContainers {
    std::string device;
};
// The bucket desired-state is what resources and labels say.
struct AwaitDesired {};
// An init container of the device is there.
struct AwaitPreparing {
    std::string device;
};
// The containers of every device are what resources and labels say.
struct AwaitContainers {};
// Everything is: resources, desired-state, device-state, containers and statuses.
struct AwaitConverged {};

using Step = std::variant<ApplyStep, DeleteStep, StopBroker, StartBroker, KillOperator, StartOperator,
                          KillAgent, StartAgent, StopPodman, StartPodman, LoseContainers, AwaitDesired,
                          AwaitPreparing, AwaitContainers, AwaitConverged>;

// The devices of every scenario are "one" (tier=front) and "two" (tier=back).
inline constexpr const char* kScenarioDevices[] = {"one", "two"};
[[nodiscard]] contracts::Labels scenario_labels(const std::string& device);

struct Scenario {
    std::string name;
    std::vector<Step> steps;
    std::vector<std::string> left;  // the Deployments there are in the end
};

[[nodiscard]] Scenario broker_restarts_while_a_deployment_changes();
[[nodiscard]] Scenario all_buckets_are_lost_and_the_operator_restarts();
[[nodiscard]] Scenario agent_dies_in_the_middle_of_its_work();
[[nodiscard]] Scenario podman_goes_and_comes_back();
[[nodiscard]] Scenario device_boots_while_the_broker_is_away();
[[nodiscard]] Scenario deployment_is_deleted_while_its_device_is_off();
[[nodiscard]] std::vector<Scenario> all_scenarios();

// What resources and labels ask for: acknowledged specs by Deployment, labels by device id.
struct Wanted {
    struct Acknowledged {
        contracts::DeploymentSpec spec;
        std::int64_t generation = 0;
    };
    std::map<std::string, Acknowledged> deployments;
    std::map<std::string, contracts::Labels> devices;
};

using Entries = std::map<std::string, std::string>;                                 // by key
using Containers = std::map<std::string, std::vector<runtime::podman::Container>>;  // by device id
using Deployments = std::map<std::string, contracts::Deployment>;

// Why a part of the fleet is not what is wanted of it; empty where it is.
[[nodiscard]] std::string why_not_desired(const Wanted& wanted, const Entries& desired_state);
[[nodiscard]] std::string why_not_running(const Wanted& wanted, const Containers& containers);
[[nodiscard]] std::string why_not_reported(const Wanted& wanted, const Entries& device_state);
// Resources as acknowledged, each status what the devices report.
[[nodiscard]] std::string why_not_told(const Wanted& wanted, const Deployments& deployments,
                                       const Entries& device_state);
// Two containers of one service that run at the same time, which may never be; empty where there are none.
[[nodiscard]] std::string why_two_generations(const Containers& containers);

// Where a scenario is performed. One thread. What can't be read now, as from a stopped broker, is nullopt.
class ScenarioWorld {
 public:
    virtual ~ScenarioWorld() = default;

    [[nodiscard]] virtual std::string device_id(const std::string& device) const = 0;
    [[nodiscard]] virtual std::string service_image() const = 0;
    [[nodiscard]] virtual std::string init_image() const = 0;

    // What is stored then; nullopt where nothing was acknowledged.
    [[nodiscard]] virtual std::optional<contracts::Deployment> apply(
        const contracts::Deployment& deployment) = 0;
    [[nodiscard]] virtual bool remove(const std::string& deployment) = 0;
    // All steps that break or mend something.
    virtual void perform(const Step& step) = 0;

    [[nodiscard]] virtual std::optional<Entries> entries(std::string_view bucket) = 0;
    [[nodiscard]] virtual std::optional<Containers> containers() = 0;
    [[nodiscard]] virtual std::optional<Deployments> deployments() = 0;

    // Lets time pass until it holds; false where it doesn't within the world's bound.
    [[nodiscard]] virtual bool wait_until(const std::function<bool()>& holds) = 0;
};

// Performs all steps, then waits for convergence. Empty where everything held, else which step failed and
// why.
[[nodiscard]] std::string perform(const Scenario& scenario, ScenarioWorld& world);

}  // namespace harmony::simulation
