#include "on_processes.hpp"

#include <algorithm>
#include <set>

#include "agent_config.hpp"
#include "device_leftovers.hpp"
#include "device_names.hpp"
#include "device_pings.hpp"
#include "harmony/contracts/device_permissions.hpp"
#include "harmony/fleet_access/daemon_steps.hpp"
#include "harmony/fleet_access/nats_access.hpp"
#include "harmony/fleet_access/score_names.hpp"
#include "harmony/fleet_access/toml_text.hpp"

namespace harmony::fleet_agent::on_processes {

using namespace fleet_access;
using plugin::ContainerRuntime;
using plugin::Diagnostic;
using plugin::Result;

namespace {

constexpr const char* kContainersStep = "containers ";
constexpr const char* kHealthPort = "health";
constexpr const char* kArea = "agent";

Object containers_object(const std::string& device) {
    return {.kind = "containers", .name = device};
}

// Empty where the runtime is not enabled. Reads only, so a plan may ask.
Result<std::string> podman_socket(Run& run) {
    if (!runtime_enabled(run.params())) return std::string();
    const auto missing = [](const std::string& reason) {
        return failure(
            Diagnostic{.code = "agent.podman-missing",
                       .summary = "the agents cannot run containers: " + reason,
                       .hint = "install podman (apt-get install podman), or set runtime_enabled=false",
                       .path = "runtime_enabled",
                       .status = HP_E_INVALID});
    };
    if (!run.offers<ContainerRuntime>()) return missing("podman was not found");
    const auto info = run.use<ContainerRuntime>().info();
    if (!info) return missing(info.error().summary);
    return info->socket;
}

Result<DaemonSpec> daemon_spec(Run& run, const DeviceParameters& device, NatsInputs& nats,
                               const std::string& socket) {
    auto url = nats.url();
    if (!url) return failure(std::move(url.error()));
    const auto id = device_id(device.id);
    auto password =
        nats.secret(device_secret(id), "add " + device.id + " to FleetNatsScore.devices and apply it");
    if (!password) return failure(std::move(password.error()));
    const auto& parameters = run.params();
    const AgentSettings settings{device.id,
                                 device.labels,
                                 runtime_enabled(parameters),
                                 parameters.heartbeat_interval_s,
                                 parameters.reconcile_interval_s,
                                 log_level_name(parameters.log_level),
                                 std::move(*url),
                                 socket,
                                 parameters.registry_auth_file,
                                 parameters.insecure_registries,
                                 parameters.exec_host_enabled,
                                 {}};
    DaemonSpec spec{.name = workload_name(device.id), .program = "harmony-fleet-agent"};
    spec.args = {"--config", std::string("@{config}/") + kConfigFile};
    spec.files = {{.path = kConfigFile, .content = agent_config(settings)},
                  {.path = kCredentialsFile,
                   .content = toml_credentials(contracts::device_user(id), *password),
                   .sensitive = true}};
    spec.ports = {{.name = kHealthPort, .port = 0}};
    spec.readiness = {.kind = plugin::ReadinessKind::Http, .port = kHealthPort, .path = "/readyz"};
    return spec;
}

// The devices that have a daemon here.
Result<std::vector<std::string>> present_devices(Run& run) {
    const auto daemons = run.use<ProcessHost>().list();
    if (!daemons) return failure(daemons.error());
    std::vector<std::string> devices;
    for (const auto& daemon : *daemons) {
        if (daemon.name.starts_with(kWorkloadPrefix))
            devices.push_back(daemon.name.substr(std::string_view(kWorkloadPrefix).size()));
    }
    return devices;
}

Result<std::size_t> count_containers(Run& run, const std::string& device) {
    if (!run.offers<ContainerRuntime>()) return std::size_t{0};
    const auto found = run.use<ContainerRuntime>().containers(containers_of(device));
    if (!found) return failure(found.error());
    return found->size();
}

// Ends one device: its daemon first, so that nothing puts the containers back.
Result<void> plan_removal(Run& run, const std::string& device, Plan& plan) {
    const auto daemon = run.use<ProcessHost>().inspect(workload_name(device));
    if (!daemon) return failure(daemon.error());
    if (*daemon) {
        plan.steps.push_back({.id = daemon_step_id(workload_name(device)),
                              .action = Action::Delete,
                              .object = {.kind = "daemon", .name = workload_name(device)},
                              .why = "the device " + device + " goes away"});
    }
    const auto count = count_containers(run, device);
    if (!count) return failure(count.error());
    if (*count > 0) {
        plan.steps.push_back({.id = kContainersStep + device,
                              .action = Action::Delete,
                              .object = containers_object(device),
                              .summary = "remove " + std::to_string(*count) + " containers of " + device});
    }
    return {};
}

Result<void> remove_containers(Run& run, const std::string& device) {
    if (!run.offers<ContainerRuntime>()) return {};
    auto removed = run.use<ContainerRuntime>().remove_containers(containers_of(device));
    if (!removed) return failure(std::move(removed.error()));
    return {};
}

Result<void> remove_daemon(Run& run, const std::string& device) {
    // What an agent keeps on the disk is a copy of its desired state, so it goes with the agent.
    auto removed = run.use<ProcessHost>().remove(workload_name(device), true);
    if (!removed) return failure(std::move(removed.error()));
    // Also those that it started after the plan was made.
    if (auto done = remove_containers(run, device); !done) return done;
    const std::string why =
        forget_device(run.use<ServiceDirectory>(), run.use<SecretStore>(), run.params().nats_url, device);
    if (!why.empty()) run.info("the operator keeps its record of " + device + ": " + why);
    return {};
}

// Both kinds of removal step.
Result<void> carry_out_removal(Run& run, const Step& step) {
    if (step.object.kind == "containers") return remove_containers(run, step.object.name);
    return remove_daemon(run, step.object.name.substr(std::string_view(kWorkloadPrefix).size()));
}

Result<std::vector<Object>> read(Run& run) {
    const auto daemons = run.use<ProcessHost>().list();
    if (!daemons) return failure(daemons.error());
    std::vector<Object> objects;
    for (const auto& daemon : *daemons) {
        if (daemon.name.starts_with(kWorkloadPrefix)) objects.push_back(daemon_object(daemon));
    }
    return objects;
}

Result<Plan> plan(Run& run, const PlanRequest& request) {
    Plan plan;
    const auto present = present_devices(run);
    if (!present) return failure(present.error());
    std::set<std::string> wanted;
    for (const auto& device : run.params().devices)
        wanted.insert(device.id);
    std::set<std::string> leaving(present->begin(), present->end());
    if (request.purpose == Purpose::Destroy) {
        leaving.insert(wanted.begin(), wanted.end());
    } else {
        for (const auto& device : wanted)
            leaving.erase(device);
    }
    for (const auto& device : leaving) {
        if (auto planned = plan_removal(run, device, plan); !planned)
            return failure(std::move(planned.error()));
    }
    if (request.purpose == Purpose::Destroy) return plan;

    const auto socket = podman_socket(run);
    if (!socket) return failure(socket.error());
    NatsInputs nats(run.use<ServiceDirectory>(), run.use<SecretStore>(), run.params().nats_url,
                    request.pending, kArea);
    for (const auto& device : run.params().devices) {
        const auto spec = daemon_spec(run, device, nats, *socket);
        if (!spec) return failure(spec.error());
        auto step = daemon_step(run.use<ProcessHost>(), *spec);
        if (!step) return failure(std::move(step.error()));
        if (*step) plan.steps.push_back(std::move(**step));
    }
    plan.deferred = nats.deferred();
    return plan;
}

Result<void> apply(Run& run, const Step& step) {
    if (step.action == Action::Delete) return carry_out_removal(run, step);
    const auto& devices = run.params().devices;
    const auto device = std::find_if(devices.begin(), devices.end(), [&](const DeviceParameters& each) {
        return workload_name(each.id) == step.object.name;
    });
    if (device == devices.end()) {
        return failure("agent.unknown-step",
                       "no device of the parameters has the daemon " + step.object.name);
    }
    const auto socket = podman_socket(run);
    if (!socket) return failure(socket.error());
    if (runtime_enabled(run.params())) {
        if (auto ensured = run.use<ContainerRuntime>().ensure(); !ensured)
            return failure(std::move(ensured.error()));
    }
    NatsInputs nats(run.use<ServiceDirectory>(), run.use<SecretStore>(), run.params().nats_url, {}, kArea);
    const auto spec = daemon_spec(run, *device, nats, *socket);
    if (!spec) return failure(spec.error());
    run.progress("starting the agent of " + device->id);
    if (auto ensured = run.use<ProcessHost>().ensure(*spec); !ensured)
        return failure(std::move(ensured.error()));
    return {};
}

Result<std::vector<Check>> verify(Run& run) {
    auto connection =
        connect_as_admin(run.use<ServiceDirectory>(), run.use<SecretStore>(), run.params().nats_url, kArea);
    if (!connection) {
        return std::vector<Check>{
            {.name = "the fleet's NATS server answers", .detail = connection.error().summary}};
    }
    return ping_devices(run.call(), **connection, run.params().devices);
}

Result<void> destroy(Run& run, const Step& step) {
    return carry_out_removal(run, step);
}

}  // namespace

fleet_access::Verbs<Run> verbs() {
    return {read, plan, apply, verify, destroy};
}

}  // namespace harmony::fleet_agent::on_processes
