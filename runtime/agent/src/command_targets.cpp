#include "harmony/agent/command_targets.hpp"

#include <map>
#include <set>

#include "harmony/agent/container_identity.hpp"
#include "harmony/contracts/labels.hpp"

namespace harmony::agent {

namespace podman = runtime::podman;

namespace {

std::string joined(const std::set<std::string>& names) {
    std::string text;
    for (const std::string& name : names)
        text += (text.empty() ? "" : ", ") + name;
    return text;
}

bool is_better(const podman::Container& candidate, const podman::Container& known) {
    const auto rank = [](const podman::Container& container) {
        return std::pair(container.status == podman::ContainerStatus::Running, container.created_at);
    };
    return rank(candidate) > rank(known);
}

}  // namespace

Result<std::vector<ServiceContainer>> find_services(podman::ContainerRuntime& runtime,
                                                    const contracts::DeviceId& device,
                                                    const contracts::DeploymentName& deployment,
                                                    const std::optional<std::string>& service) {
    const auto listed = runtime.list(owned_labels(device));
    if (!listed) return fail(listed.error());
    std::set<std::string> deployments;
    std::map<std::string, podman::Container> services;
    for (const podman::Container& container : *listed) {
        if (is_init_container(container)) continue;
        const std::string owner = label_of(container, contracts::kDeploymentLabel);
        deployments.insert(owner);
        if (owner != deployment.str()) continue;
        const std::string name = label_of(container, contracts::kServiceLabel);
        const auto known = services.find(name);
        if (known == services.end() || is_better(container, known->second)) {
            services.insert_or_assign(name, container);
        }
    }
    if (services.empty()) {
        return fail(ErrorKind::NotFound,
                    "deployment " + deployment.str() + " has no container on this device; " +
                        (deployments.empty() ? "none has" : "there are: " + joined(deployments)));
    }
    std::set<std::string> names;
    std::vector<ServiceContainer> found;
    for (auto& [name, container] : services) {
        names.insert(name);
        if (!service || *service == name) found.push_back({name, std::move(container)});
    }
    if (found.empty()) {
        return fail(ErrorKind::NotFound, "deployment " + deployment.str() + " has no service " + *service +
                                             " on this device; there are: " + joined(names));
    }
    return found;
}

}  // namespace harmony::agent
