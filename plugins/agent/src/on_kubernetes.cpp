#include "on_kubernetes.hpp"

#include "agent_config.hpp"
#include "cluster_objects.hpp"
#include "device_leftovers.hpp"
#include "device_names.hpp"
#include "device_pings.hpp"
#include "harmony/contracts/device_permissions.hpp"
#include "harmony/fleet_access/cluster_nats.hpp"
#include "harmony/fleet_access/kubernetes_objects.hpp"
#include "harmony/fleet_access/score_names.hpp"
#include "harmony/fleet_access/toml_text.hpp"

namespace harmony::fleet_agent::on_kubernetes {

using namespace fleet_access;
using plugin::Result;

namespace {

constexpr const char* kArea = "agent";
constexpr const char* kImageName = "harmony-fleet-agent";

ClusterOwner owner_of(const AgentParameters& parameters) {
    return {
        .score = FleetAgentScore::info.name, .name_space = parameters.name_space, .kinds = cluster_kinds()};
}

Result<DeviceFiles> device_files(Run& run, const DeviceParameters& device, const ClusterInputs& inputs,
                                 NatsInputs& nats) {
    const auto id = device_id(device.id);
    auto password =
        nats.secret(device_secret(id), "add " + device.id + " to FleetNatsScore.devices and apply it");
    if (!password) return failure(std::move(password.error()));
    return DeviceFiles{.device = device.id,
                       .config = pod_agent_config(run.params(), device, inputs),
                       .credentials = toml_credentials(contracts::device_user(id), *password)};
}

struct Desired {
    std::vector<Json> objects;
    bool deferred = false;
};

Result<Desired> desired(Run& run, const std::vector<std::string>& pending) {
    const auto& parameters = run.params();
    NatsInputs nats(run.use<ServiceDirectory>(), run.use<SecretStore>(), parameters.nats_url, pending, kArea);
    const std::string& context = run.session().context;
    auto url = cluster_nats_url(nats, run.use<Kubernetes>(), context, parameters.name_space);
    if (!url) return failure(std::move(url.error()));
    const ClusterInputs inputs{
        .context = context,
        .image = image_reference({parameters.image_registry, parameters.image_tag, parameters.image},
                                 kImageName, "v" HARMONY_VERSION),
        .nats_url = std::move(*url)};
    std::vector<DeviceFiles> devices;
    for (const auto& device : parameters.devices) {
        auto files = device_files(run, device, inputs, nats);
        if (!files) return failure(std::move(files.error()));
        devices.push_back(std::move(*files));
    }
    return Desired{cluster_objects(parameters, inputs, devices), nats.deferred()};
}

// The operator's record of a device goes with its agent.
void forget(Run& run, const Step& step) {
    if (step.object.kind != "Deployment" || !step.object.name.starts_with(kWorkloadPrefix)) return;
    const std::string device = step.object.name.substr(std::string_view(kWorkloadPrefix).size());
    const std::string why =
        forget_device(run.use<ServiceDirectory>(), run.use<SecretStore>(), run.params().nats_url, device);
    if (!why.empty()) run.info("the operator keeps its record of " + device + ": " + why);
}

Result<void> remove(Run& run, const Step& step) {
    auto removed = remove_object_step(run.use<Kubernetes>(), owner_of(run.params()), step);
    if (!removed) return failure(std::move(removed.error()));
    forget(run, step);
    return {};
}

Result<std::vector<Object>> read(Run& run) {
    return owned_objects(run.use<Kubernetes>(), owner_of(run.params()), cluster_kinds());
}

Result<Plan> plan(Run& run, const PlanRequest& request) {
    Plan plan;
    auto& cluster = run.use<Kubernetes>();
    if (request.purpose == Purpose::Destroy) {
        auto removals = object_removals(cluster, owner_of(run.params()));
        if (!removals) return failure(std::move(removals.error()));
        plan.steps = std::move(*removals);
        if (!plan.steps.empty()) plan.steps.front().summary = "the namespace stays";
        return plan;
    }
    const auto wanted = desired(run, request.pending);
    if (!wanted) return failure(wanted.error());
    auto steps = object_steps(run.call(), cluster, owner_of(run.params()), wanted->objects);
    if (!steps) return failure(std::move(steps.error()));
    plan.steps = std::move(*steps);
    plan.deferred = wanted->deferred;
    return plan;
}

Result<void> apply(Run& run, const Step& step) {
    if (step.action == Action::Delete) return remove(run, step);
    const auto wanted = desired(run, {});
    if (!wanted) return failure(wanted.error());
    return apply_object_step(run.use<Kubernetes>(), owner_of(run.params()), wanted->objects, step);
}

Result<std::vector<Check>> verify(Run& run) {
    const auto wanted = desired(run, {});
    if (!wanted) return failure(wanted.error());
    run.progress("waiting for the agents");
    auto ready = await_workloads(run.use<Kubernetes>(), wanted->objects, run.params().rollout_timeout_s);
    if (!ready) return failure(std::move(ready.error()));
    auto connection =
        connect_as_admin(run.use<ServiceDirectory>(), run.use<SecretStore>(), run.params().nats_url, kArea);
    if (!connection) {
        return std::vector<Check>{
            {.name = "the fleet's NATS server answers", .detail = connection.error().summary}};
    }
    return ping_devices(run.call(), **connection, run.params().devices);
}

Result<void> destroy(Run& run, const Step& step) {
    return remove(run, step);
}

}  // namespace

fleet_access::Verbs<Run> verbs() {
    return {read, plan, apply, verify, destroy};
}

}  // namespace harmony::fleet_agent::on_kubernetes
