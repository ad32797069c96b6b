// The fleet that a scenario works on: brought up in the scenario's own context, with devices whose ids carry
// the context's name, so that no two runs meet in podman's storage.
#pragma once

#include <chrono>
#include <functional>
#include <harmony/capability/container_runtime.hpp>
#include <harmony/capability/process_host.hpp>
#include <harmony/capability/secret_store.hpp>
#include <harmony/capability/service_directory.hpp>
#include <harmony/plugin/scenario.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harmony/contracts/deployment_state.hpp"
#include "harmony/contracts/podman_v0.hpp"
#include "harmony/contracts/resources.hpp"
#include "harmony/fleet_client/fleet_api_client.hpp"
#include "harmony/fleet_client/fleet_commands_client.hpp"
#include "harmony/nats/connection.hpp"
#include "harmony/nats/key_value.hpp"
#include "kubernetes_fleet_host.hpp"
#include "process_fleet_host.hpp"

namespace harmony::fleet_e2e {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

// Without containers a device only reports and answers: a pod can do that as well as a process.
using BrokerScenario =
    plugin::Scenario<plugin::NoParameters, plugin::AnyOf<plugin::ProcessHost, plugin::Kubernetes>,
                     plugin::ServiceDirectory, plugin::SecretStore>;
using ContainerScenario =
    plugin::Scenario<plugin::NoParameters, plugin::ProcessHost, plugin::ServiceDirectory, plugin::SecretStore,
                     plugin::ContainerRuntime>;

struct FleetShape {
    int devices = 1;  // named a, b, ... with the label `role` of the same value
    int agents = -1;  // how many of them have an agent; all unless told
    bool with_operator = true;
};

// What of the scenario's run a Fleet uses; borrowed.
struct ScenarioTools {
    plugin::Call& call;
    const plugin::Session& session;
    FleetHost& host;
    plugin::ServiceDirectory& services;
    plugin::SecretStore& secrets;
    plugin::ProcessHost* processes;        // null: the fleet is on a cluster
    plugin::ContainerRuntime* containers;  // null: the devices run none
    std::function<Result<void>(std::string_view score, const Json& settings)> apply;
    std::function<Result<void>(const std::string& name, const std::function<Result<void>()>& body)> step;
};

[[nodiscard]] tl::unexpected<plugin::Diagnostic> failed(std::string summary);
[[nodiscard]] tl::unexpected<plugin::Diagnostic> failed(const Error& error);
// Fails unless the two texts are equal.
[[nodiscard]] Result<void> expect_equal(const std::string& what, const std::string& found,
                                        const std::string& expected);

class Fleet {
 public:
    using Body = std::function<Result<void>()>;
    // Empty once it holds; until then what was found.
    using Probe = std::function<std::string()>;
    using Steps = std::vector<std::pair<std::string, Body>>;

    Fleet(ScenarioTools tools, FleetShape shape) : tools_(std::move(tools)), shape_(shape) {}

    [[nodiscard]] Result<void> bring_up();
    // One after the other, until one fails.
    [[nodiscard]] Result<void> steps(const Steps& steps);
    [[nodiscard]] Result<void> step(const std::string& name, const Body& body) {
        return tools_.step(name, body);
    }
    // Polls. The failure says what was found last.
    [[nodiscard]] Result<void> eventually(milliseconds within, const Probe& probe);
    // Within the time that the fleet's host needs for a change.
    [[nodiscard]] Result<void> eventually(const Probe& probe) { return eventually(host().patience(), probe); }
    // The probe holds for the whole time.
    [[nodiscard]] Result<void> throughout(milliseconds time, const Probe& probe);

    [[nodiscard]] contracts::DeviceId device(int index) const;
    [[nodiscard]] std::string agent_daemon(int index) const {
        return kAgentDaemonPrefix + device(index).str();
    }
    [[nodiscard]] const ScenarioTools& tools() const { return tools_; }
    [[nodiscard]] FleetHost& host() { return tools_.host; }
    // Only of a ContainerScenario, whose devices are processes of this machine.
    [[nodiscard]] plugin::ProcessHost& processes() { return *tools_.processes; }

    // As the context's administrator. Only after bring_up().
    [[nodiscard]] runtime::nats::NatsConnection& connection() { return *connection_; }
    [[nodiscard]] runtime::fleet_client::FleetApiClient& api() { return *api_; }
    [[nodiscard]] runtime::fleet_client::FleetCommandsClient& commands() { return *commands_; }
    [[nodiscard]] runtime::nats::KeyValue bucket(std::string_view name) {
        return {*connection_, std::string(name)};
    }
    [[nodiscard]] Result<std::string> url();

    // For the devices with that role; an empty role is every device.
    [[nodiscard]] Result<void> deploy(const std::string& name, const std::string& role,
                                      const contracts::PodmanV0& score);
    // Asks the operator to delete it and waits until it is gone.
    [[nodiscard]] Result<void> remove(const std::string& name);
    // Probes.
    [[nodiscard]] std::string counts_are(const std::string& name, const std::string& expected);
    [[nodiscard]] std::string desired_is(int device, const std::string& deployment,
                                         const std::optional<std::string>& expected);
    [[nodiscard]] std::string answers(int device);
    [[nodiscard]] std::string is_online(int device);
    [[nodiscard]] std::string runs_anew(const std::string& program, const Instance& former);

    // Only of a ContainerScenario.
    [[nodiscard]] Result<plugin::Daemon> daemon(const std::string& name);
    // Kills it and waits until another instance has come up by itself.
    [[nodiscard]] Result<void> kill(const std::string& program);
    // podman's own word.
    [[nodiscard]] Result<std::vector<plugin::Container>> containers(int device);

 private:
    [[nodiscard]] Result<void> connect();
    [[nodiscard]] Result<void> apply(std::string_view score, Json settings);

    ScenarioTools tools_;
    FleetShape shape_;
    std::unique_ptr<runtime::nats::NatsConnection> connection_;
    std::optional<runtime::fleet_client::FleetApiClient> api_;
    std::optional<runtime::fleet_client::FleetCommandsClient> commands_;
};

// A score of one service; the image may be one that no device has where no device runs containers.
[[nodiscard]] contracts::PodmanV0 one_service(const std::string& image);

// The last lines of every daemon into the run's logs. Of a failed scenario.
template <class Run>
void record_logs(Run& run, plugin::ProcessHost& processes) {
    constexpr int kLines = 15;
    const auto daemons = processes.list();
    if (!daemons) return;
    for (const auto& daemon : *daemons) {
        auto lines = processes.logs(daemon.name, kLines);
        if (lines && !lines->empty()) run.log_lines(daemon.name, std::move(*lines));
    }
}

// What a person who keeps the fleet wants to know.
template <class Run>
void record_whereabouts(Run& run, Fleet& fleet, const FleetShape& shape) {
    const std::string& context = run.session().context;
    if (const auto url = fleet.url()) run.artifact("NATS", *url);
    const std::string secrets = run.session().state_dir + "/secrets/nats/";
    run.artifact("administrator's password", secrets + "admin.secret");
    for (int i = 0; i < shape.devices; ++i)
        run.artifact("device " + fleet.device(i).str(),
                     secrets + "device/" + fleet.device(i).str() + ".secret");
    if (const auto daemons = fleet.processes().list()) {
        for (const auto& daemon : *daemons)
            run.artifact("log of " + daemon.name, daemon.log_file);
    }
    run.command("harmony fleet devices --context " + context, "the devices");
    run.command("harmony fleet deployments --context " + context, "the Deployments");
    run.command("harmony status --context " + context, "what is deployed");
}

template <class Run>
ScenarioTools tools_of(Run& run, FleetHost& host, plugin::ProcessHost* processes,
                       plugin::ContainerRuntime* containers) {
    return {run.call(),
            run.session(),
            host,
            run.template use<plugin::ServiceDirectory>(),
            run.template use<plugin::SecretStore>(),
            processes,
            containers,
            [&](std::string_view score, const Json& settings) -> Result<void> {
                if (auto applied = run.apply_score(score, settings); !applied)
                    return plugin::failure(std::move(applied.error()));
                return {};
            },
            [&](const std::string& name, const std::function<Result<void>()>& step) {
                return run.step(name, step);
            }};
}

using FleetBody = std::function<Result<void>(Fleet&)>;

// On this machine. The host takes the fleet away.
template <class Run>
Result<void> on_processes(Run& run, FleetShape shape, plugin::ContainerRuntime* containers,
                          const FleetBody& body) {
    auto& processes = run.template use<plugin::ProcessHost>();
    ProcessFleetHost host(run.session(), processes, run.template use<plugin::ServiceDirectory>(),
                          run.template use<plugin::SecretStore>());
    Fleet fleet(tools_of(run, host, &processes, containers), shape);
    auto outcome = run.step("a fleet is up", [&] { return fleet.bring_up(); });
    if (outcome) outcome = body(fleet);
    if (!outcome && !run.cancelled()) record_logs(run, processes);
    if (run.keep()) record_whereabouts(run, fleet, shape);
    return outcome;
}

// On the cluster of the scenario's context.
[[nodiscard]] Result<void> on_cluster(BrokerScenario::Run& run, FleetShape shape, const FleetBody& body);

// Brings a fleet up where the scenario's context is, and does the body with it. The host takes the fleet
// away.
[[nodiscard]] inline Result<void> on_a_fleet(BrokerScenario::Run& run, FleetShape shape,
                                             const FleetBody& body) {
    if (run.offers<plugin::Kubernetes>()) return on_cluster(run, shape, body);
    return on_processes(run, shape, nullptr, body);
}
[[nodiscard]] inline Result<void> on_a_fleet(ContainerScenario::Run& run, FleetShape shape,
                                             const FleetBody& body) {
    return on_processes(run, shape, &run.use<plugin::ContainerRuntime>(), body);
}

}  // namespace harmony::fleet_e2e
