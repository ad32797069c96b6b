#include "on_kubernetes.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <nlohmann/json.hpp>

#include "cluster_objects.hpp"
#include "definitions.hpp"
#include "deployment_probe.hpp"
#include "harmony/contracts/canonical_json.hpp"
#include "harmony/contracts/device_permissions.hpp"
#include "harmony/fleet_access/cluster_nats.hpp"
#include "harmony/fleet_access/kubernetes_objects.hpp"
#include "harmony/fleet_access/nats_access.hpp"
#include "harmony/fleet_access/score_names.hpp"
#include "harmony/fleet_access/toml_text.hpp"
#include "harmony/kubernetes_manifests/metadata.hpp"
#include "kept_deployments.hpp"
#include "operator_check.hpp"
#include "release_tag.hpp"

namespace harmony::fleet_operator::on_kubernetes {

using namespace fleet_access;
using plugin::Result;

namespace {

namespace manifests = kubernetes_manifests;

constexpr const char* kArea = "operator";
constexpr const char* kLeaseKind = "Lease";
constexpr int kLeaseTimeout_s = 30;
// A leader that was killed is followed within 12 s, and its successor reads the buckets before it is ready.
constexpr std::chrono::seconds kSuccession{30};
constexpr std::chrono::milliseconds kPollInterval{200};

ClusterOwner owner_of(const OperatorParameters& parameters) {
    return {.score = FleetOperatorScore::info.name,
            .name_space = parameters.name_space,
            .kinds = cluster_kinds()};
}

std::string image_of(const OperatorParameters& parameters) {
    std::string tag = parameters.image_tag;
    if (parameters.from_tag) {
        if (const auto version = version_of_tag(*parameters.from_tag)) tag = "v" + *version;
    }
    return image_reference({parameters.image_registry, tag, parameters.image}, kImageName,
                           "v" HARMONY_VERSION);
}

ClusterValues values_of(const OperatorParameters& parameters, const std::string& context,
                        const std::string& url, const std::string& credentials) {
    const ClusterStore store{.write_devices = parameters.device_resources ? "true" : "false",
                             .lease = kLease};
    OperatorSettings settings = pod_settings(store);
    settings.name_space = parameters.name_space;
    settings.nats_url = url;
    settings.heartbeat_interval_s = std::to_string(parameters.heartbeat_interval_s);
    settings.heartbeat_stale_after_s = std::to_string(parameters.heartbeat_stale_after_s);
    settings.log_level = log_level_name(parameters.log_level);
    ClusterValues values{
        .name_space = parameters.name_space,
        .labels = {{manifests::kManagedByLabel, manifests::kManagedBy}, {manifests::kContextLabel, context}},
        .image = image_of(parameters),
        .image_pull_secret = parameters.image_pull_secret,
        .config = operator_config(settings),
        .credentials = credentials,
        .credentials_hash = contracts::value_hash(credentials),
        .replicas = parameters.replicas,
        .cpu_request = parameters.cpu_request,
        .memory_request = parameters.memory_request,
        .memory_limit = parameters.memory_limit};
    values.config_hash = config_hash(values.config);
    return values;
}

struct Desired {
    std::vector<Json> objects{};
    bool deferred = false;
};

Result<Desired> desired(Run& run, const std::vector<std::string>& pending) {
    const auto& parameters = run.params();
    NatsInputs nats(run.use<ServiceDirectory>(), run.use<SecretStore>(), parameters.nats_url, pending, kArea);
    const std::string& context = run.session().context;
    auto url = cluster_nats_url(nats, run.use<Kubernetes>(), context, parameters.name_space);
    if (!url) return failure(std::move(url.error()));
    auto password = nats.secret(std::string(kOperatorSecret),
                                "apply FleetNatsScore first or with it: it makes the credentials");
    if (!password) return failure(std::move(password.error()));
    const auto values =
        values_of(parameters, context, *url, toml_credentials(contracts::kOperatorUser, *password));
    Desired wanted{.deferred = nats.deferred()};
    for (const auto& object : cluster_objects(values))
        wanted.objects.push_back(to_plugin_json(object));
    return wanted;
}

plugin::KubernetesRef lease_ref(const OperatorParameters& parameters) {
    return {.api_version = "coordination.k8s.io/v1",
            .kind = kLeaseKind,
            .name_space = parameters.name_space,
            .name = kLease};
}

plugin::KubernetesRef workload_ref(const OperatorParameters& parameters) {
    return {.api_version = "apps/v1",
            .kind = "Deployment",
            .name_space = parameters.name_space,
            .name = kWorkload};
}

// Made by the operator itself, so it carries no label of ours.
Result<std::optional<Step>> lease_removal(Kubernetes& cluster, const OperatorParameters& parameters) {
    const auto found = cluster.get(lease_ref(parameters));
    if (!found) return failure(found.error());
    if (!*found) return std::optional<Step>();
    return std::optional(removal_step(lease_ref(parameters)));
}

Result<Plan> plan_destroy(Run& run, bool delete_data) {
    auto& cluster = run.use<Kubernetes>();
    const auto& parameters = run.params();
    auto removals = object_removals(cluster, owner_of(parameters));
    if (!removals) return failure(std::move(removals.error()));
    Plan plan;
    const bool runs = std::any_of(removals->begin(), removals->end(), [](const Step& step) {
        return step.object.kind == "Deployment" && step.object.name == kWorkload;
    });
    const auto workload = cluster.get(workload_ref(parameters));
    if (!workload) return failure(workload.error());
    if (*workload && !runs) {  // another's: lease and data are not ours to remove
        plan.steps = std::move(*removals);
        return plan;
    }
    std::string kept = "the definitions, the Deployments and Devices and the namespace stay";
    if (delete_data) {
        // While the operator still runs: it releases its Deployments.
        const auto elsewhere = definitions_used_elsewhere(cluster, parameters.name_space);
        if (!elsewhere) return failure(elsewhere.error());
        auto data = *elsewhere ? deployment_removals(cluster, parameters.name_space, runs)
                               : definition_removals(cluster, parameters.name_space, runs);
        if (!data) return failure(std::move(data.error()));
        plan.steps = std::move(*data);
        kept = *elsewhere
                   ? "the namespace stays, and the definitions: another operator of this cluster uses them"
                   : "the namespace stays";
    }
    if (!delete_data && runs) {
        auto probes = probe_removals(cluster, owner_of(parameters));
        if (!probes) return failure(std::move(probes.error()));
        plan.steps = std::move(*probes);
    }
    if (!removals->empty()) removals->front().summary = kept;
    plan.steps.insert(plan.steps.end(), removals->begin(), removals->end());
    auto lease = lease_removal(cluster, parameters);
    if (!lease) return failure(std::move(lease.error()));
    if (*lease) plan.steps.push_back(std::move(**lease));
    return plan;
}

// As users of `harmony fleet` stand. Nothing where the fleet's NATS server is not to be reached from here, or
// is not of this context, which it need not be on a cluster.
Result<std::optional<Check>> check_through_nats(Run& run) {
    auto connection =
        connect_as_admin(run.use<ServiceDirectory>(), run.use<SecretStore>(), run.params().nats_url, kArea);
    if (connection) {
        run.progress("waiting until the operator answers through NATS");
        const auto end = std::chrono::steady_clock::now() + kSuccession;
        while (true) {
            Check check = check_api(**connection, run.params());
            if (check.ok || std::chrono::steady_clock::now() >= end) return std::optional(std::move(check));
            if (!run.wait(kPollInterval)) return plugin::cancelled_failure();
        }
    }
    static constexpr std::array<std::string_view, 4> kNotFromHere{"operator.unavailable", "operator.timeout",
                                                                  "operator.nats-not-found",
                                                                  "operator.credentials-missing"};
    if (std::find(kNotFromHere.begin(), kNotFromHere.end(), connection.error().code) != kNotFromHere.end()) {
        run.info("the fleet's NATS server can't be reached from here: " + connection.error().summary);
        return std::optional<Check>();
    }
    return std::optional(
        Check{.name = "the operator answers through NATS", .detail = connection.error().summary});
}

Result<std::vector<Object>> read(Run& run) {
    return owned_objects(run.use<Kubernetes>(), owner_of(run.params()), cluster_kinds());
}

Result<Plan> plan(Run& run, const PlanRequest& request) {
    if (request.purpose == Purpose::Destroy) return plan_destroy(run, request.delete_data);
    auto& cluster = run.use<Kubernetes>();
    const auto wanted = desired(run, request.pending);
    if (!wanted) return failure(wanted.error());
    auto definitions = definition_steps(cluster);
    if (!definitions) return failure(std::move(definitions.error()));
    auto steps = object_steps(run.call(), cluster, owner_of(run.params()), wanted->objects);
    if (!steps) return failure(std::move(steps.error()));
    Plan plan{.steps = std::move(*definitions), .deferred = wanted->deferred};
    plan.steps.insert(plan.steps.end(), steps->begin(), steps->end());
    return plan;
}

Result<void> destroy(Run& run, const Step& step) {
    auto& cluster = run.use<Kubernetes>();
    if (is_definition_step(step)) return remove_definition(cluster, step);
    if (is_deployment_step(step)) return remove_deployment(cluster, run.params().name_space, step);
    if (step.object.kind != kLeaseKind) return remove_object_step(cluster, owner_of(run.params()), step);
    auto removed =
        cluster.remove({.ref = lease_ref(run.params()), .timeout_s = kLeaseTimeout_s, .shared = true});
    if (!removed) return failure(std::move(removed.error()));
    return {};
}

Result<void> apply(Run& run, const Step& step) {
    auto& cluster = run.use<Kubernetes>();
    if (is_definition_step(step)) return apply_definition_step(cluster, step);
    if (step.action == Action::Delete) return destroy(run, step);
    const auto wanted = desired(run, {});
    if (!wanted) return failure(wanted.error());
    return apply_object_step(cluster, owner_of(run.params()), wanted->objects, step);
}

Result<std::vector<Check>> verify(Run& run) {
    const auto wanted = desired(run, {});
    if (!wanted) return failure(wanted.error());
    run.progress("waiting for the operator's pods");
    auto& cluster = run.use<Kubernetes>();
    auto ready = await_workloads(cluster, wanted->objects, run.params().rollout_timeout_s);
    if (!ready) return failure(std::move(ready.error()));
    std::vector<Check> checks{{.name = "the operator's pods are ready", .ok = true}};
    run.progress("trying a Deployment");
    auto probed =
        probe_deployment(run.call(), cluster, run.params().name_space, run.params().rollout_timeout_s);
    if (!probed) return failure(std::move(probed.error()));
    checks.push_back(std::move(*probed));
    auto answered = check_through_nats(run);
    if (!answered) return failure(std::move(answered.error()));
    if (*answered) checks.push_back(std::move(**answered));
    return checks;
}

}  // namespace

fleet_access::Verbs<Run> verbs() {
    return {read, plan, apply, verify, destroy};
}

}  // namespace harmony::fleet_operator::on_kubernetes
