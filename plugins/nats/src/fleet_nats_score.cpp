#include "fleet_nats_score.hpp"

#include <set>

#include "harmony/contracts/names.hpp"
#include "harmony/fleet_access/image_parameters.hpp"
#include "on_kubernetes.hpp"
#include "on_processes.hpp"

namespace harmony::fleet_nats {

using plugin::Result;

namespace {

using Run = FleetNatsScore::Run;

Result<void> check_devices(const std::vector<std::string>& devices) {
    std::set<std::string> seen;
    for (std::size_t i = 0; i < devices.size(); ++i) {
        const std::string path = "devices[" + std::to_string(i) + "]";
        if (auto id = contracts::DeviceId::parse(devices[i]); !id) {
            return plugin::invalid_parameter(path, path + ": " + id.error().text());
        }
        if (!seen.insert(devices[i]).second) {
            return plugin::invalid_parameter(path,
                                             path + ": the device id " + devices[i] + " is there twice");
        }
    }
    return {};
}

Result<void> check_cluster(const NatsParameters& parameters) {
    if (parameters.node_port != 0 && parameters.service_type == ServiceType::ClusterIp) {
        return plugin::invalid_parameter("node_port",
                                         "node_port: found " + std::to_string(parameters.node_port) +
                                             " with service_type cluster-ip, which has none; expected 0, or "
                                             "service_type node-port");
    }
    return fleet_access::check_image({parameters.image_registry, parameters.image_tag, parameters.image});
}

// Those that were given and that this Topology has no use for.
std::vector<std::string> unused(const NatsParameters& parameters, bool cluster) {
    const NatsParameters defaults;
    if (cluster)
        return parameters.port == defaults.port ? std::vector<std::string>()
                                                : std::vector<std::string>{"port"};
    std::vector<std::string> names;
    const auto add = [&](const char* name, bool given) {
        if (given) names.emplace_back(name);
    };
    add("image", !parameters.image.empty());
    add("image_registry", !parameters.image_registry.empty());
    add("image_tag", !parameters.image_tag.empty());
    add("image_pull_secret", !parameters.image_pull_secret.empty());
    add("service_type", parameters.service_type != defaults.service_type);
    add("node_port", parameters.node_port != 0);
    add("storage_class", !parameters.storage_class.empty());
    add("storage_mib", parameters.storage_mib != 0);
    return names;
}

}  // namespace

Result<void> FleetNatsScore::validate(Run& run) {
    const bool cluster = on_cluster(run);
    for (const auto& name : unused(run.params(), cluster))
        run.warn(name + " has no effect on " + (cluster ? "a cluster" : "a Topology without kubernetes/1"));
    if (auto devices = check_devices(run.params().devices); !devices) return devices;
    return cluster ? check_cluster(run.params()) : Result<void>();
}

fleet_access::Verbs<FleetNatsScore::Run> FleetNatsScore::process_verbs() const {
    return on_processes::verbs();
}

fleet_access::Verbs<FleetNatsScore::Run> FleetNatsScore::cluster_verbs() const {
    return on_kubernetes::verbs();
}

}  // namespace harmony::fleet_nats
