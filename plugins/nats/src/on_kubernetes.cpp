#include "on_kubernetes.hpp"

#include "cluster_objects.hpp"
#include "harmony/fleet_access/kubernetes_objects.hpp"
#include "harmony/fleet_access/nats_access.hpp"
#include "harmony/fleet_access/score_names.hpp"
#include "nats_users.hpp"
#include "server_check.hpp"
#include "users_reload.hpp"

namespace harmony::fleet_nats::on_kubernetes {

using namespace fleet_access;
using plugin::Result;

namespace {

constexpr int kReachTimeout_s = 10;
constexpr std::chrono::milliseconds kRetryDelay{250};

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
    const auto owner = cluster_owner(run.params());
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

bool may_come(const plugin::Diagnostic& problem) {
    return problem.code == "nats.unavailable" || problem.code == "nats.timeout";
}

// On a busy node the way to a pod, and the pod itself, may need some seconds after both are ready.
Result<ServerFacts> ask_server(Run& run, const std::string& url) {
    const auto end = plugin::Call::Clock::now() + std::chrono::seconds(kReachTimeout_s);
    while (true) {
        auto account = system_account(run, url);
        auto facts = account ? account->ask() : Result<ServerFacts>(failure(account.error()));
        if (facts || !may_come(facts.error()) || plugin::Call::Clock::now() >= end) return facts;
        if (!run.call().wait(kRetryDelay)) return plugin::cancelled_failure();
    }
}

Result<std::vector<Object>> read(Run& run) {
    auto objects = read_credentials(run.use<SecretStore>());
    if (!objects) return objects;
    auto kinds = cluster_kinds();
    kinds.push_back(data_kind());
    const auto owned = owned_objects(run.use<Kubernetes>(), cluster_owner(run.params()), kinds);
    if (!owned) return failure(owned.error());
    objects->insert(objects->end(), owned->begin(), owned->end());
    return objects;
}

Result<Plan> plan(Run& run, const PlanRequest& request) {
    Plan plan;
    if (request.purpose == Purpose::Destroy) {
        if (auto planned = plan_destroy(run, request.delete_data, plan); !planned)
            return failure(std::move(planned.error()));
        return plan;
    }
    const auto secrets = secret_changes(run.use<SecretStore>(), cluster_secrets(run.params()));
    if (!secrets) return failure(secrets.error());
    const auto wanted = cluster_desired(run);
    if (!wanted) return failure(wanted.error());
    auto steps =
        object_steps(run.call(), run.use<Kubernetes>(), cluster_owner(run.params()), wanted->objects);
    if (!steps) return failure(std::move(steps.error()));
    if (!secrets->empty()) plan.steps.push_back(credentials_step(*secrets));
    for (Step& step : *steps) {
        if (step.object.kind == "StatefulSet" && step.action != Action::Delete)
            describe_workload_step(step, wanted->storage);
        plan.steps.push_back(std::move(step));
    }
    return plan;
}

Result<void> apply(Run& run, const Step& step) {
    // Also before another step: a plan may have been made when the secrets were there.
    if (auto made = apply_credentials(run.use<SecretStore>(), cluster_secrets(run.params())); !made)
        return failure(std::move(made.error()));
    if (step.id == kCredentialsStep) return {};
    auto wanted = cluster_desired(run);
    if (!wanted) return failure(std::move(wanted.error()));
    if (step.id == object_step_id(workload_ref(run.params()))) {
        const auto restart = reload_users(run, *wanted);
        if (!restart) return failure(restart.error());
        if (*restart) wanted = cluster_desired(run, true);
        if (!wanted) return failure(std::move(wanted.error()));
    }
    return apply_object_step(run.use<Kubernetes>(), cluster_owner(run.params()), wanted->objects, step);
}

Result<std::vector<Check>> verify(Run& run) {
    const auto wanted = cluster_desired(run);
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
    const auto facts = ask_server(run, *url);
    if (!facts) {
        checks.push_back({.name = "nats-server answers", .detail = facts.error().summary});
        return checks;
    }
    checks.push_back(version_check(facts->version));
    checks.push_back(loaded_check(*facts, wanted->revision));
    return check_users(run.call(), run.use<SecretStore>(), *url, run.params(), std::move(checks));
}

Result<void> destroy(Run& run, const Step& step) {
    if (step.id == kCredentialsStep) return remove_credentials(run.use<SecretStore>());
    return remove_object_step(run.use<Kubernetes>(), cluster_owner(run.params()), step, {data_kind()});
}

}  // namespace

fleet_access::Verbs<Run> verbs() {
    return {read, plan, apply, verify, destroy};
}

}  // namespace harmony::fleet_nats::on_kubernetes
