#include "on_processes.hpp"

#include "harmony/contracts/device_permissions.hpp"
#include "harmony/fleet_access/daemon_steps.hpp"
#include "harmony/fleet_access/nats_access.hpp"
#include "harmony/fleet_access/score_names.hpp"
#include "harmony/fleet_access/toml_text.hpp"
#include "harmony/http/client.hpp"
#include "operator_check.hpp"
#include "operator_config.hpp"
#include "release_tag.hpp"

namespace harmony::fleet_operator::on_processes {

using namespace fleet_access;
using plugin::Result;

namespace {

constexpr const char* kDaemon = "fleet-operator";
constexpr const char* kHealthPort = "health";
constexpr const char* kArea = "operator";
constexpr const char* kData = "the Deployments and Devices it stores";
constexpr std::chrono::milliseconds kHttpDeadline{3'000};

Result<DaemonSpec> daemon_spec(const OperatorParameters& parameters, NatsInputs& nats) {
    auto url = nats.url();
    if (!url) return failure(std::move(url.error()));
    auto password = nats.secret(std::string(kOperatorSecret),
                                "apply FleetNatsScore first or with it: it makes the credentials");
    if (!password) return failure(std::move(password.error()));
    const OperatorSettings settings{
        .name_space = parameters.name_space,
        .nats_url = std::move(*url),
        .heartbeat_interval_s = std::to_string(parameters.heartbeat_interval_s),
        .heartbeat_stale_after_s = std::to_string(parameters.heartbeat_stale_after_s),
        .log_level = log_level_name(parameters.log_level)};
    DaemonSpec spec{.name = kDaemon, .program = std::string(kComponent)};
    spec.args = {"--config", std::string("@{config}/") + kConfigFile};
    spec.files = {{.path = kConfigFile, .content = operator_config(settings)},
                  {.path = kCredentialsFile,
                   .content = toml_credentials(contracts::kOperatorUser, *password),
                   .sensitive = true}};
    spec.ports = {{.name = kHealthPort, .port = parameters.health_port}};
    spec.readiness = {.kind = plugin::ReadinessKind::Http, .port = kHealthPort, .path = "/readyz"};
    return spec;
}

Check check_ready(int port) {
    Check check{.name = "the operator is ready"};
    const auto client = runtime::http::make_http_client(
        runtime::http::Endpoint::tcp("127.0.0.1", static_cast<std::uint16_t>(port)));
    runtime::http::RequestLimits limits;
    limits.deadline = kHttpDeadline;
    const auto answer = client->request({.target = "/readyz"}, limits);
    check.ok = answer && answer->status == 200;
    if (!answer) check.detail = answer.error().text();
    if (answer && !check.ok) check.detail = answer->body;
    return check;
}

Result<std::vector<Object>> read(Run& run) {
    const auto daemon = run.use<ProcessHost>().inspect(kDaemon);
    if (!daemon) return failure(daemon.error());
    if (!*daemon) return std::vector<Object>{};
    return std::vector<Object>{daemon_object(**daemon)};
}

Result<Plan> plan(Run& run, const PlanRequest& request) {
    auto& host = run.use<ProcessHost>();
    Plan plan;
    if (request.purpose == Purpose::Destroy) {
        auto removal = daemon_removal(host, kDaemon, request.delete_data, kData);
        if (!removal) return failure(std::move(removal.error()));
        if (*removal) plan.steps.push_back(std::move(**removal));
        return plan;
    }
    NatsInputs nats(run.use<ServiceDirectory>(), run.use<SecretStore>(), run.params().nats_url,
                    request.pending, kArea);
    const auto spec = daemon_spec(run.params(), nats);
    if (!spec) return failure(spec.error());
    auto step = daemon_step(host, *spec, "health_port");
    if (!step) return failure(std::move(step.error()));
    if (*step) plan.steps.push_back(std::move(**step));
    plan.deferred = nats.deferred();
    return plan;
}

Result<void> apply(Run& run, const Step& /*step*/) {
    NatsInputs nats(run.use<ServiceDirectory>(), run.use<SecretStore>(), run.params().nats_url, {}, kArea);
    const auto spec = daemon_spec(run.params(), nats);
    if (!spec) return failure(spec.error());
    run.progress("starting the operator");
    if (auto ensured = run.use<ProcessHost>().ensure(*spec); !ensured)
        return failure(std::move(ensured.error()));
    return {};
}

Result<std::vector<Check>> verify(Run& run) {
    const auto daemon = run.use<ProcessHost>().inspect(kDaemon);
    if (!daemon) return failure(daemon.error());
    if (!*daemon || !(*daemon)->ports.contains(kHealthPort)) {
        return std::vector<Check>{{.name = "the operator runs", .ok = false}};
    }
    std::vector<Check> checks{check_ready((*daemon)->ports.at(kHealthPort))};
    auto connection =
        connect_as_admin(run.use<ServiceDirectory>(), run.use<SecretStore>(), run.params().nats_url, kArea);
    if (!connection) {
        checks.push_back({.name = "the operator answers through NATS", .detail = connection.error().summary});
        return checks;
    }
    checks.push_back(check_api(**connection, run.params()));
    return checks;
}

Result<void> destroy(Run& run, const Step& step) {
    auto removed = run.use<ProcessHost>().remove(kDaemon, step.destructive);
    if (!removed) return failure(std::move(removed.error()));
    return {};
}

}  // namespace

fleet_access::Verbs<Run> verbs() {
    return {read, plan, apply, verify, destroy};
}

}  // namespace harmony::fleet_operator::on_processes
