#include "users_reload.hpp"

#include <algorithm>

#include "cluster_objects.hpp"
#include "harmony/fleet_access/nats_access.hpp"
#include "harmony/fleet_access/score_names.hpp"
#include "nats_users.hpp"

namespace harmony::fleet_nats {

using namespace fleet_access;
using plugin::Result;
using Run = FleetNatsScore::Run;

namespace {

// A node that is told to looks at a pod's files within about two seconds.
constexpr std::chrono::milliseconds kReloadPatience{20'000};

bool restarts_pod(const std::vector<plugin::Difference>& diff) {
    return std::any_of(diff.begin(), diff.end(),
                       [](const plugin::Difference& each) { return each.path.starts_with("spec.template"); });
}

plugin::KubernetesServicePort client_port(const NatsParameters& parameters, int timeout_s) {
    return {.name_space = parameters.name_space,
            .service = std::string(kNatsDaemon),
            .port = std::string(kNatsClientPort),
            .timeout_s = timeout_s};
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

}  // namespace

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

Result<bool> reload_users(Run& run, const ClusterDesired& wanted) {
    auto& cluster = run.use<Kubernetes>();
    const auto live = cluster.get(workload_ref(run.params()));
    if (!live) return failure(live.error());
    if (!*live) return false;
    const Json& loaded = (**live)["metadata"]["annotations"][kUsersLoaded];
    if (loaded == Json(wanted.revision)) return false;
    const auto changes = object_changes(cluster, cluster_owner(run.params()), {wanted.objects.back()});
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

}  // namespace harmony::fleet_nats
