// A scenario's fleet on a cluster: from the scenario's run to a Fleet, and what a person wants to know of it.
#include "fleet.hpp"
#include "harmony/fleet_access/nats_access.hpp"

namespace harmony::fleet_e2e {

namespace {

// As secret-store/1 names its Secrets on a cluster.
std::string secret_command(const std::string& context, const std::string& name_space, std::string secret) {
    for (char& c : secret)
        if (c == '/') c = '.';
    return "kubectl get secret -n " + name_space + " harmony." + context + "." + secret +
           " -o jsonpath={.data.value} | base64 -d";
}

// Secrets stay in the cluster: the commands read them.
void record_whereabouts_on_cluster(BrokerScenario::Run& run, Fleet& fleet, const FleetShape& shape,
                                   const std::string& name_space) {
    const std::string& context = run.session().context;
    run.artifact("namespace", name_space);
    if (const auto url = fleet.url()) run.artifact("NATS", *url);
    for (int i = 0; i < shape.devices; ++i)
        run.artifact("device", fleet.device(i).str());
    const auto cluster = run.use<plugin::Kubernetes>().info();
    if (cluster) {
        run.command(secret_command(context, cluster->name_space, std::string(fleet_access::kAdminSecret)),
                    "the password of the user admin");
        run.command(
            secret_command(context, cluster->name_space, fleet_access::device_secret(fleet.device(0))),
            "the password of " + fleet.device(0).str());
    }
    for (const char* program : {kBrokerDaemon, kOperatorDaemon})
        run.command("kubectl logs -n " + name_space + " -f -l app.kubernetes.io/name=" + program,
                    std::string("the log of ") + program);
    run.command("kubectl logs -n " + name_space + " -f -l app.kubernetes.io/name=" + fleet.agent_daemon(0),
                "the log of the first agent");
    run.command("kubectl get all,fleetdep -n " + name_space, "what runs");
    run.command("harmony fleet devices --context " + context, "the devices");
    run.command("harmony e2e clean " + context, "takes all of it away");
}

}  // namespace

Result<void> on_cluster(BrokerScenario::Run& run, FleetShape shape, const FleetBody& body) {
    auto images = images_of_environment();
    if (!images) return plugin::failure(std::move(images.error()));
    KubernetesFleetHost host(run.call(), run.session(), run.use<plugin::Kubernetes>(), std::move(*images),
                             [&](std::string_view score, const Json& settings) -> Result<void> {
                                 if (auto applied = run.apply_score(score, settings); !applied)
                                     return plugin::failure(std::move(applied.error()));
                                 return {};
                             });
    Fleet fleet(tools_of(run, host, nullptr, nullptr), shape);
    auto outcome = run.step("a fleet is up", [&] { return fleet.bring_up(); });
    if (outcome) outcome = body(fleet);
    if (run.keep()) record_whereabouts_on_cluster(run, fleet, shape, host.name_space());
    return outcome;
}

}  // namespace harmony::fleet_e2e
