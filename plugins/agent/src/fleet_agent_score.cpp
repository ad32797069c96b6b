#include "fleet_agent_score.hpp"

#include <set>

#include "device_names.hpp"
#include "harmony/contracts/labels.hpp"
#include "harmony/podman/registry_auth.hpp"
#include "on_kubernetes.hpp"
#include "on_processes.hpp"

namespace harmony::fleet_agent {

using plugin::Result;

namespace {

using Run = FleetAgentScore::Run;

Result<void> check_device(const std::string& path, const DeviceParameters& device) {
    if (auto id = contracts::DeviceId::parse(device.id); !id) {
        return plugin::invalid_parameter(path + ".id", path + ".id: " + id.error().text());
    }
    if (workload_name(device.id).size() > kMaxWorkloadName) {
        return plugin::invalid_parameter(
            path + ".id", path + ".id: found " + std::to_string(device.id.size()) +
                              " characters, expected at most " +
                              std::to_string(kMaxWorkloadName - std::string_view(kWorkloadPrefix).size()) +
                              ": it becomes part of a daemon's name");
    }
    if (auto labels = contracts::check_labels(path + ".labels", device.labels); !labels) {
        return plugin::invalid_parameter(path + ".labels", labels.error().text());
    }
    return {};
}

Result<void> check_devices(const std::vector<DeviceParameters>& devices) {
    std::set<std::string> seen;
    for (std::size_t i = 0; i < devices.size(); ++i) {
        const std::string path = "devices[" + std::to_string(i) + "]";
        if (auto checked = check_device(path, devices[i]); !checked) return checked;
        if (!seen.insert(devices[i].id).second) {
            return plugin::invalid_parameter(path + ".id",
                                             path + ".id: the device " + devices[i].id + " is there twice");
        }
    }
    return {};
}

// As the agent reads them: the part of an image's name before its first slash.
Result<void> check_registries(const std::vector<std::string>& registries) {
    for (std::size_t i = 0; i < registries.size(); ++i) {
        const std::string& registry = registries[i];
        if (!registry.empty() && runtime::podman::registry_of(registry + "/x") == registry) continue;
        const std::string path = "insecure_registries[" + std::to_string(i) + "]";
        std::string found = path;
        found.append(": found \"").append(registry);
        found.append("\", expected <host>[:<port>] such as registry.example.com:5000");
        return plugin::invalid_parameter(path, found);
    }
    return {};
}

Result<void> check_cluster(const AgentParameters& parameters) {
    if (parameters.runtime_enabled.value_or(false)) {
        return plugin::invalid_parameter(
            "runtime_enabled",
            "runtime_enabled: found true on a cluster, expected false: an agent in a pod runs no containers",
            "leave it out, or apply this Score in a context whose Topology is the device itself");
    }
    return fleet_access::check_image({parameters.image_registry, parameters.image_tag, parameters.image});
}

// Those that were given and that this Topology has no use for.
std::vector<std::string> unused(const AgentParameters& parameters, bool cluster) {
    std::vector<std::string> names;
    const auto add = [&](const char* name, bool given) {
        if (given) names.emplace_back(name);
    };
    if (cluster) {
        add("registry_auth_file", !parameters.registry_auth_file.empty());
        add("insecure_registries", !parameters.insecure_registries.empty());
        return names;
    }
    add("image", !parameters.image.empty());
    add("image_registry", !parameters.image_registry.empty());
    add("image_tag", !parameters.image_tag.empty());
    add("image_pull_secret", !parameters.image_pull_secret.empty());
    return names;
}

}  // namespace

bool runtime_enabled(const AgentParameters& parameters) {
    return parameters.runtime_enabled.value_or(true);
}

Result<void> FleetAgentScore::validate(Run& run) {
    const bool cluster = on_cluster(run);
    for (const auto& name : unused(run.params(), cluster))
        run.warn(name + " has no effect on " + (cluster ? "a cluster" : "a Topology without kubernetes/1"));
    if (auto devices = check_devices(run.params().devices); !devices) return devices;
    if (auto registries = check_registries(run.params().insecure_registries); !registries) return registries;
    return cluster ? check_cluster(run.params()) : Result<void>();
}

fleet_access::Verbs<FleetAgentScore::Run> FleetAgentScore::process_verbs() const {
    return on_processes::verbs();
}

fleet_access::Verbs<FleetAgentScore::Run> FleetAgentScore::cluster_verbs() const {
    return on_kubernetes::verbs();
}

}  // namespace harmony::fleet_agent
