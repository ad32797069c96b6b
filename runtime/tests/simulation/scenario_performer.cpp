#include <algorithm>

#include "harmony/agent/container_identity.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/contracts/podman_v0.hpp"
#include "scenario.hpp"

namespace harmony::simulation {

namespace {

contracts::Deployment deployment_of(const ApplyStep& step, const ScenarioWorld& world) {
    contracts::PodmanV0 score;
    contracts::PodmanService service;
    service.name = "main";
    service.image = world.service_image();
    service.args = {"/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"};
    service.env["VERSION"] = step.version;
    score.services.push_back(std::move(service));
    if (step.prepared) {
        contracts::PodmanInitContainer init;
        init.name = "prepare";
        init.image = world.init_image();
        init.args = {"/bin/sleep", "2"};
        init.timeout = std::chrono::seconds(60);
        score.init_containers.push_back(std::move(init));
    }
    score.lifecycle.grace_period = std::chrono::seconds(2);
    contracts::Deployment deployment;
    deployment.metadata.name = step.deployment;
    deployment.spec.target_selector.match_labels = step.where;
    deployment.spec.score = score.to_score();
    return deployment;
}

class Performer {
 public:
    explicit Performer(ScenarioWorld& world) : world_(world) {
        for (const char* device : kScenarioDevices)
            wanted_.devices[world.device_id(device)] = scenario_labels(device);
    }

    // Empty, or why the step failed.
    std::string operator()(const ApplyStep& step) {
        const contracts::Deployment deployment = deployment_of(step, world_);
        std::optional<contracts::Deployment> stored;
        if (!world_.wait_until([&] { return (stored = world_.apply(deployment)).has_value(); }))
            return "nobody acknowledges deployment " + step.deployment;
        if (stored->spec != deployment.spec) return "another spec was acknowledged than applied";
        wanted_.deployments[step.deployment] = {stored->spec, stored->metadata.generation};
        return {};
    }
    std::string operator()(const DeleteStep& step) {
        if (!world_.wait_until([&] { return world_.remove(step.deployment); }))
            return "nobody acknowledges that deployment " + step.deployment + " is deleted";
        wanted_.deployments.erase(step.deployment);
        return {};
    }
    std::string operator()(AwaitDesired) {
        return reach([&] {
            const auto desired = world_.entries(contracts::kDesiredStateBucket);
            return desired ? why_not_desired(wanted_, *desired) : "desired-state can't be read";
        });
    }
    std::string operator()(const AwaitPreparing& step) {
        return reach([&]() -> std::string {
            const auto containers = world_.containers();
            if (!containers) return "containers can't be listed";
            const auto& found = containers->at(world_.device_id(step.device));
            return std::any_of(found.begin(), found.end(), agent::is_init_container)
                       ? ""
                       : step.device + " has no init container";
        });
    }
    std::string operator()(AwaitContainers) {
        return reach([&] { return why_containers(); });
    }
    std::string operator()(AwaitConverged) {
        return reach([&] { return why_not_converged(); });
    }
    template <class Fault>
    std::string operator()(const Fault& step) {
        world_.perform(step);
        return {};
    }

    [[nodiscard]] const Wanted& wanted() const { return wanted_; }

 private:
    // What may never be is looked for at every look.
    std::string reach(const std::function<std::string()>& why_not) {
        std::string why;
        std::string never;
        const bool reached = world_.wait_until([&] {
            if (const auto containers = world_.containers(); containers && never.empty())
                never = why_two_generations(*containers);
            why = why_not();
            return why.empty() || !never.empty();
        });
        if (!never.empty()) return never;
        if (reached) return {};
        return why.empty() ? "an invariant of the world does not hold" : why;
    }

    std::string why_containers() {
        const auto containers = world_.containers();
        return containers ? why_not_running(wanted_, *containers) : "containers can't be listed";
    }

    std::string why_not_converged() {
        const auto desired = world_.entries(contracts::kDesiredStateBucket);
        const auto states = world_.entries(contracts::kDeviceStateBucket);
        const auto deployments = world_.deployments();
        if (!desired || !states || !deployments) return "broker or operator can't be asked";
        if (std::string why = why_not_desired(wanted_, *desired); !why.empty()) return why;
        if (std::string why = why_containers(); !why.empty()) return why;
        if (std::string why = why_not_reported(wanted_, *states); !why.empty()) return why;
        return why_not_told(wanted_, *deployments, *states);
    }

    ScenarioWorld& world_;
    Wanted wanted_;
};

}  // namespace

std::string perform(const Scenario& scenario, ScenarioWorld& world) {
    Performer performer(world);
    for (std::size_t i = 0; i < scenario.steps.size(); ++i) {
        if (const std::string why = std::visit(performer, scenario.steps[i]); !why.empty())
            return "step " + std::to_string(i + 1) + ": " + why;
    }
    std::vector<std::string> left;
    for (const auto& [name, acknowledged] : performer.wanted().deployments)
        left.push_back(name);
    if (left != scenario.left) return "the steps do not lead to the final situation of the scenario";
    const std::string why = performer(AwaitConverged{});
    return why.empty() ? "" : "in the end: " + why;
}

}  // namespace harmony::simulation
