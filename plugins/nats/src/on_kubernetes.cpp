#include "on_kubernetes.hpp"

#include <algorithm>

#include "cluster_objects.hpp"
#include "cluster_storage.hpp"
#include "harmony/contracts/canonical_json.hpp"
#include "harmony/fleet_access/kubernetes_objects.hpp"
#include "harmony/fleet_access/nats_access.hpp"
#include "nats_users.hpp"
#include "server_check.hpp"
#include "system_account.hpp"

namespace harmony::fleet_nats::on_kubernetes {

using namespace fleet_access;
using plugin::Action;
using plugin::Check;
using plugin::failure;
using plugin::Json;
using plugin::Kubernetes;
using plugin::Object;
using plugin::Plan;
using plugin::PlanRequest;
using plugin::Purpose;
using plugin::Result;
using plugin::SecretStore;
using plugin::Step;

namespace {

constexpr const char* kImageName = "harmony-nats-server";
// An object of the cluster's store has at most one MiB, and base64 takes a third more.
constexpr std::size_t kLargestConfig = 700 * 1024;
constexpr int kReachTimeout_s = 10;
// A node that is told to looks at a pod's files within about two seconds.
constexpr std::chrono::milliseconds kReloadPatience{20'000};

// What the cluster has to have, and what people are told of it.
struct Desired {
    std::vector<Json> objects;
    std::string revision;
    Storage storage;
};

ClusterOwner owner_of(const NatsParameters& parameters) {
    return {.score = std::string(kNatsScore), .name_space = parameters.name_space, .kinds = cluster_kinds()};
}

std::vector<std::string> secrets_of(const NatsParameters& parameters) {
    return wanted_secrets(parameters, {kSystemSecret});
}

// The revision of the users with which the pod of the live workload was started.
Result<std::string> users_at_start(Run& run, const std::string& revision) {
    const auto live = run.use<Kubernetes>().get(workload_ref(run.params()));
    if (!live) return failure(live.error());
    if (!*live) return revision;
    return (**live)["spec"]["template"]["metadata"]["annotations"][kUsersAtStart].string_or(revision);
}

Result<ClusterInputs> inputs_of(Run& run) {
    const auto& parameters = run.params();
    const auto users = users_of(run.use<SecretStore>(), parameters);
    if (!users) return failure(users.error());
    const auto system = password_of(run.use<SecretStore>(), kSystemSecret);
    if (!system) return failure(system.error());
    ClusterInputs inputs{
        .context = run.session().context,
        .image = image_reference({parameters.image_registry, parameters.image_tag, parameters.image},
                                 kImageName, "v" HARMONY_VERSION),
        .server_config = server_config({parameters.jetstream_sync_interval_s, parameters.jetstream_memory_mib,
                                        parameters.jetstream_storage_mib},
                                       {"0.0.0.0:4222", "0.0.0.0:8222", "/var/lib/nats", true}),
        .users_config = users_config(*users)};
    if (inputs.users_config.size() > kLargestConfig) {
        return plugin::invalid_parameter(
            "devices", "devices: found " + std::to_string(parameters.devices.size()) + ", whose users have " +
                           std::to_string(inputs.users_config.size() / 1024) + " KiB; expected at most " +
                           std::to_string(kLargestConfig / 1024) + " KiB, which a Secret of a cluster holds");
    }
    inputs.revision = "users:" + contracts::value_hash(inputs.users_config + *system);
    inputs.system_config = system_config(*system, inputs.revision);
    auto start = users_at_start(run, inputs.revision);
    if (!start) return failure(std::move(start.error()));
    inputs.users_at_start = std::move(*start);
    return inputs;
}

Result<Desired> desired(Run& run, bool restart = false) {
    auto inputs = inputs_of(run);
    if (!inputs) return failure(std::move(inputs.error()));
    auto storage = find_storage(run.use<Kubernetes>(), run.params());
    if (!storage) return failure(std::move(storage.error()));
    inputs->persistent = storage->persistent;
    if (restart) inputs->users_at_start = inputs->revision;
    return Desired{cluster_objects(run.params(), *inputs), inputs->revision, std::move(*storage)};
}

bool restarts_pod(const std::vector<plugin::Difference>& diff) {
    return std::any_of(diff.begin(), diff.end(),
                       [](const plugin::Difference& each) { return each.path.starts_with("spec.template"); });
}

bool only_users(const std::vector<plugin::Difference>& diff) {
    return diff.size() == 1 && diff.front().path == std::string("metadata.annotations.") + kUsersLoaded;
}

void describe_workload_step(Step& step, const Storage& storage) {
    if (step.action == Action::Update && only_users(step.diff)) {
        step.action = Action::Reload;
        step.summary = "the server loads its users anew and goes on";
        return;
    }
    step.summary = storage.told;
}

Result<void> plan_destroy(Run& run, bool delete_data, Plan& plan) {
    const auto owner = owner_of(run.params());
    auto& cluster = run.use<Kubernetes>();
    auto removals = object_removals(cluster, owner);
    if (!removals) return failure(std::move(removals.error()));
    const auto claims = owned_refs(cluster, owner, {data_kind()});
    if (!claims) return failure(claims.error());
    plan.steps = std::move(*removals);
    std::string kept = "the namespace stays";
    for (const auto& claim : *claims) {
        if (!delete_data) {
            kept = "its JetStream data, " + claim.kind + " " + claim.name + ", and the namespace stay";
            continue;
        }
        plan.steps.push_back(removal_step(claim));
        plan.steps.back().summary = "with its JetStream data";
        plan.steps.back().destructive = true;
    }
    if (!plan.steps.empty() && plan.steps.front().summary.empty()) plan.steps.front().summary = kept;
    auto credentials = credentials_removal(run.use<SecretStore>());
    if (!credentials) return failure(std::move(credentials.error()));
    plan.steps.insert(plan.steps.end(), credentials->begin(), credentials->end());
    return {};
}

plugin::KubernetesServicePort client_port(const NatsParameters& parameters, int timeout_s) {
    return {.name_space = parameters.name_space,
            .service = std::string(kNatsDaemon),
            .port = std::string(kNatsClientPort),
            .timeout_s = timeout_s};
}

Result<std::string> client_url(Run& run, int timeout_s) {
    const auto address = run.use<Kubernetes>().reach(client_port(run.params(), timeout_s));
    if (!address) return failure(address.error());
    const bool bracketed = address->host.find(':') != std::string::npos;
    return "nats://" + (bracketed ? "[" + address->host + "]" : address->host) + ":" +
           std::to_string(address->port);
}

Result<SystemAccount> system_account(Run& run, const std::string& url) {
    const auto password = run.use<SecretStore>().get(kSystemSecret);
    if (!password) return failure(password.error());
    return SystemAccount::connect(url, *password);
}

// The pod's node is asked to look at the pod's files. Without the permission it does so by itself, later.
void hurry(Run& run, const std::string& value) {
    const auto done =
        run.use<Kubernetes>().apply({.objects = {hurried_pod(run.params(), value)},
                                     .owner = {.score = std::string(kNatsScore), .part_of = kFleetPart}});
    if (!done) run.call().debug("the pod can't be annotated: " + done.error().summary);
}

// Why the running server could not be made to load the revision; empty when it has.
Result<std::string> reload(Run& run, const std::string& revision) {
    run.progress("the server loads its users anew");
    const auto url = client_url(run, 0);
    if (!url) return url.error().summary;
    auto account = system_account(run, *url);
    if (!account) return account.error().summary;
    int attempt = 0;
    const auto loaded = account->reload(run.call(), revision, kReloadPatience,
                                        [&] { hurry(run, revision + "." + std::to_string(++attempt)); });
    if (!loaded && loaded.error().status == HP_E_CANCELLED) return failure(loaded.error());
    if (!loaded) return loaded.error().summary;
    return *loaded ? std::string() : std::string("its files are still the old ones");
}

// Before the StatefulSet is applied. True when its pod has to be started anew to get the users.
Result<bool> reload_users(Run& run, const Desired& wanted) {
    auto& cluster = run.use<Kubernetes>();
    const auto live = cluster.get(workload_ref(run.params()));
    if (!live) return failure(live.error());
    if (!*live) return false;
    const Json& loaded = (**live)["metadata"]["annotations"][kUsersLoaded];
    if (loaded == Json(wanted.revision)) return false;
    const auto changes = object_changes(cluster, owner_of(run.params()), {wanted.objects.back()});
    if (!changes) return failure(changes.error());
    if (!changes->empty() && restarts_pod(changes->front().change.diff)) return false;
    const auto problem = reload(run, wanted.revision);
    if (!problem) return failure(problem.error());
    if (problem->empty()) return false;
    run.info("the server is started anew, because it could not be made to load its users: " + *problem);
    return true;
}

Check loaded_check(const ServerFacts& facts, const std::string& revision) {
    Check check{.name = "nats-server has loaded its users", .ok = facts.revision == revision};
    if (!check.ok)
        check.detail = "found the revision \"" + facts.revision + "\", expected " + revision +
                       "; delete the pod " + kFirstPod + " to start it anew";
    return check;
}

}  // namespace

Result<std::vector<Object>> read(Run& run) {
    auto objects = read_credentials(run.use<SecretStore>());
    if (!objects) return objects;
    auto kinds = cluster_kinds();
    kinds.push_back(data_kind());
    const auto refs = owned_refs(run.use<Kubernetes>(), owner_of(run.params()), kinds);
    if (!refs) return failure(refs.error());
    for (const auto& ref : *refs)
        objects->push_back(object_of(ref));
    return objects;
}

Result<Plan> plan(Run& run, const PlanRequest& request) {
    Plan plan;
    if (request.purpose == Purpose::Destroy) {
        if (auto planned = plan_destroy(run, request.delete_data, plan); !planned)
            return failure(std::move(planned.error()));
        return plan;
    }
    const auto secrets = secret_changes(run.use<SecretStore>(), secrets_of(run.params()));
    if (!secrets) return failure(secrets.error());
    const auto wanted = desired(run);
    if (!wanted) return failure(wanted.error());
    auto steps = object_steps(run.call(), run.use<Kubernetes>(), owner_of(run.params()), wanted->objects);
    if (!steps) return failure(std::move(steps.error()));
    if (!secrets->empty()) plan.steps.push_back(credentials_step(*secrets));
    for (Step& step : *steps) {
        if (step.object.kind == "StatefulSet" && step.action != Action::Delete)
            describe_workload_step(step, wanted->storage);
        plan.steps.push_back(std::move(step));
    }
    return plan;
}

Result<std::vector<Object>> apply(Run& run, const Step& step) {
    // Also before another step: a plan may have been made when the secrets were there.
    if (auto made = apply_credentials(run.use<SecretStore>(), secrets_of(run.params())); !made)
        return failure(std::move(made.error()));
    if (step.id == kCredentialsStep) return read(run);
    auto wanted = desired(run);
    if (!wanted) return failure(std::move(wanted.error()));
    if (step.id == object_step_id(workload_ref(run.params()))) {
        const auto restart = reload_users(run, *wanted);
        if (!restart) return failure(restart.error());
        if (*restart) wanted = desired(run, true);
        if (!wanted) return failure(std::move(wanted.error()));
    }
    auto applied = apply_object_step(run.use<Kubernetes>(), owner_of(run.params()), wanted->objects, step);
    if (!applied) return failure(std::move(applied.error()));
    return read(run);
}

Result<std::vector<Check>> verify(Run& run) {
    const auto wanted = desired(run);
    if (!wanted) return failure(wanted.error());
    run.progress("waiting for nats-server");
    auto ready = await_workloads(run.use<Kubernetes>(), wanted->objects, run.params().rollout_timeout_s);
    if (!ready) return failure(std::move(ready.error()));
    Check reached{.name = "nats-server can be reached from here"};
    const auto url = client_url(run, kReachTimeout_s);
    if (!url) {
        reached.detail = url.error().summary +
                         "; with service_type cluster-ip only a harmony inside the "
                         "cluster reaches it";
        return std::vector<Check>{reached};
    }
    reached.ok = true;
    reached.detail = *url;
    std::vector<Check> checks{reached};
    auto account = system_account(run, *url);
    const auto facts = account ? account->ask() : Result<ServerFacts>(failure(account.error()));
    if (!facts) {
        checks.push_back({.name = "nats-server answers", .detail = facts.error().summary});
        return checks;
    }
    checks.push_back(version_check(facts->version));
    checks.push_back(loaded_check(*facts, wanted->revision));
    if (auto done = check_users(run.call(), run.use<SecretStore>(), *url, run.params(), checks); !done)
        return failure(std::move(done.error()));
    return checks;
}

Result<std::vector<Object>> destroy(Run& run, const Step& step) {
    if (step.id == kCredentialsStep) {
        auto& store = run.use<SecretStore>();
        const auto secrets = store.list(kSecretPrefix);
        if (!secrets) return failure(secrets.error());
        if (auto removed = remove_secrets(store, *secrets); !removed)
            return failure(std::move(removed.error()));
    } else {
        auto removed = remove_object_step(run.use<Kubernetes>(), owner_of(run.params()), step, {data_kind()});
        if (!removed) return failure(std::move(removed.error()));
    }
    return read(run);
}

}  // namespace harmony::fleet_nats::on_kubernetes
