#include "scenario.hpp"

namespace harmony::simulation {

namespace {

const contracts::Labels kFront{{"tier", "front"}};
const contracts::Labels kBack{{"tier", "back"}};

}  // namespace

contracts::Labels scenario_labels(const std::string& device) {
    return device == "one" ? kFront : kBack;
}

Scenario broker_restarts_while_a_deployment_changes() {
    return {"the broker restarts while a deployment changes",
            {ApplyStep{"web", {}, "1"}, AwaitConverged{}, ApplyStep{"web", {}, "2"}, StopBroker{},
             StartBroker{}, ApplyStep{"web", {}, "3"}, StopBroker{}, StartBroker{}},
            {"web"}};
}

Scenario all_buckets_are_lost_and_the_operator_restarts() {
    return {"all buckets are lost and the operator restarts",
            {ApplyStep{"web", {}, "1"}, ApplyStep{"cache", kFront, "1"}, AwaitConverged{}, KillOperator{},
             StopBroker{true}, StartBroker{}, StartOperator{}, AwaitConverged{}, ApplyStep{"web", {}, "2"}},
            {"cache", "web"}};
}

Scenario agent_dies_in_the_middle_of_its_work() {
    return {"an agent dies in the middle of its work",
            {ApplyStep{"web", kFront, "1"}, AwaitConverged{}, ApplyStep{"web", kFront, "2", true},
             AwaitPreparing{"one"}, KillAgent{"one"}, StartAgent{"one"}},
            {"web"}};
}

Scenario podman_goes_and_comes_back() {
    return {"podman goes and comes back while a deployment changes",
            {ApplyStep{"web", {}, "1"}, AwaitConverged{}, StopPodman{}, ApplyStep{"web", {}, "2"},
             ApplyStep{"cache", kBack, "1"}, AwaitDesired{}, StartPodman{}},
            {"cache", "web"}};
}

Scenario device_boots_while_the_broker_is_away() {
    return {"a device boots while the broker is away",
            {ApplyStep{"web", {}, "1"}, AwaitConverged{}, KillAgent{"one"}, LoseContainers{"one"},
             StopBroker{}, StartAgent{"one"}, AwaitContainers{}, StartBroker{}, ApplyStep{"web", {}, "2"}},
            {"web"}};
}

Scenario deployment_is_deleted_while_its_device_is_off() {
    return {"a deployment is deleted while its device is off",
            {ApplyStep{"web", kFront, "1"}, ApplyStep{"cache", {}, "1"}, AwaitConverged{}, KillAgent{"one"},
             DeleteStep{"web"}, AwaitDesired{}, StartAgent{"one"}},
            {"cache"}};
}

std::vector<Scenario> all_scenarios() {
    return {broker_restarts_while_a_deployment_changes(), all_buckets_are_lost_and_the_operator_restarts(),
            agent_dies_in_the_middle_of_its_work(),       podman_goes_and_comes_back(),
            device_boots_while_the_broker_is_away(),      deployment_is_deleted_while_its_device_is_off()};
}

}  // namespace harmony::simulation
