#include "on_processes.hpp"

#include "harmony/fleet_access/daemon_steps.hpp"
#include "harmony/fleet_access/nats_access.hpp"
#include "harmony/fleet_access/score_names.hpp"
#include "nats_users.hpp"
#include "server_check.hpp"

namespace harmony::fleet_nats::on_processes {

using namespace fleet_access;
using plugin::Result;

namespace {

Result<DaemonSpec> daemon_spec(SecretStore& store, const NatsParameters& parameters) {
    auto users = users_of(store, parameters);
    if (!users) return failure(std::move(users.error()));
    DaemonSpec spec{.name = std::string(kNatsDaemon), .program = "nats-server"};
    spec.args = {"--config", std::string("@{config}/") + kServerFile};
    spec.files = {
        {.path = kServerFile,
         .content = server_config({parameters.jetstream_sync_interval_s, parameters.jetstream_memory_mib,
                                   parameters.jetstream_storage_mib})},
        {.path = kUsersFile, .content = users_config(*users), .sensitive = true, .reloadable = true}};
    spec.ports = {{.name = std::string(kNatsClientPort), .port = parameters.port},
                  {.name = std::string(kNatsMonitorPort), .port = 0}};
    spec.readiness = {
        .kind = plugin::ReadinessKind::Http, .port = std::string(kNatsMonitorPort), .path = "/healthz"};
    spec.reload_signal = "HUP";
    return spec;
}

Result<Plan> plan_destroy(Run& run, bool delete_data) {
    Plan plan;
    auto removal =
        daemon_removal(run.use<ProcessHost>(), std::string(kNatsDaemon), delete_data, "its JetStream data");
    if (!removal) return failure(std::move(removal.error()));
    if (*removal) plan.steps.push_back(std::move(**removal));
    auto credentials = credentials_removal(run.use<SecretStore>());
    if (!credentials) return failure(std::move(credentials.error()));
    plan.steps.insert(plan.steps.end(), credentials->begin(), credentials->end());
    return plan;
}

Result<std::vector<Object>> read(Run& run) {
    auto objects = read_credentials(run.use<SecretStore>());
    if (!objects) return objects;
    const auto daemon = run.use<ProcessHost>().inspect(std::string(kNatsDaemon));
    if (!daemon) return failure(daemon.error());
    if (*daemon) objects->push_back(daemon_object(**daemon));
    return objects;
}

Result<Plan> plan(Run& run, const PlanRequest& request) {
    if (request.purpose == Purpose::Destroy) return plan_destroy(run, request.delete_data);
    auto& store = run.use<SecretStore>();
    const auto changes = secret_changes(store, wanted_secrets(run.params()));
    if (!changes) return failure(changes.error());
    const auto spec = daemon_spec(store, run.params());
    if (!spec) return failure(spec.error());
    auto step = daemon_step(run.use<ProcessHost>(), *spec, "port");
    if (!step) return failure(std::move(step.error()));
    Plan plan;
    if (!changes->empty()) plan.steps.push_back(credentials_step(*changes));
    if (*step) plan.steps.push_back(std::move(**step));
    return plan;
}

Result<void> apply(Run& run, const Step& step) {
    auto& store = run.use<SecretStore>();
    // Also before the daemon's step: a plan may have been made when the secrets were there.
    if (auto made = apply_credentials(store, wanted_secrets(run.params())); !made)
        return failure(std::move(made.error()));
    if (step.id == kCredentialsStep) return {};
    const auto spec = daemon_spec(store, run.params());
    if (!spec) return failure(spec.error());
    run.progress("starting nats-server");
    if (auto ensured = run.use<ProcessHost>().ensure(*spec); !ensured) {
        return failure(std::move(ensured.error()));
    }
    return {};
}

Result<std::vector<Check>> verify(Run& run) {
    const auto daemon = run.use<ProcessHost>().inspect(std::string(kNatsDaemon));
    if (!daemon) return failure(daemon.error());
    if (!*daemon || !(*daemon)->ports.contains(std::string(kNatsClientPort))) {
        return std::vector<Check>{{.name = "nats-server runs", .ok = false}};
    }
    auto ports = (*daemon)->ports;
    const std::string url = "nats://127.0.0.1:" + std::to_string(ports.at(std::string(kNatsClientPort)));
    std::vector<Check> checks{check_version(ports[std::string(kNatsMonitorPort)])};
    return check_users(run.call(), run.use<SecretStore>(), url, run.params(), std::move(checks));
}

Result<void> destroy(Run& run, const Step& step) {
    if (step.id == kCredentialsStep) return remove_credentials(run.use<SecretStore>());
    auto removed = run.use<ProcessHost>().remove(std::string(kNatsDaemon), step.destructive);
    if (!removed) return failure(std::move(removed.error()));
    return {};
}

}  // namespace

fleet_access::Verbs<Run> verbs() {
    return {read, plan, apply, verify, destroy};
}

}  // namespace harmony::fleet_nats::on_processes
