#include "harmony/agent/container_identity.hpp"

#include <algorithm>

#include "harmony/contracts/canonical_json.hpp"

namespace harmony::agent {

namespace podman = runtime::podman;
using contracts::DeploymentName;
using contracts::DeviceId;

namespace {

std::string name_prefix(const DeviceId& device, const DeploymentName& deployment) {
    return "hf." + device.str() + "." + deployment.str() + ".";
}

podman::RestartPolicy runtime_policy(contracts::RestartPolicy policy) {
    switch (policy) {
        case contracts::RestartPolicy::Always:
            return podman::RestartPolicy::Always;
        case contracts::RestartPolicy::OnFailure:
            return podman::RestartPolicy::OnFailure;
        case contracts::RestartPolicy::No:
            break;
    }
    return podman::RestartPolicy::No;
}

std::string spec_hash(const contracts::PodmanV0& score, const contracts::PodmanService& service) {
    contracts::PodmanV0 alone;
    alone.services = {service};
    alone.init_containers = score.init_containers;
    alone.lifecycle = score.lifecycle;
    return contracts::value_hash(alone.encode());
}

template <class Source>
podman::ContainerSpec common_spec(const Source& source, const contracts::PodmanLifecycle& lifecycle) {
    podman::ContainerSpec spec;
    spec.image = source.image;
    spec.command = source.args;
    spec.environment = source.env;
    for (const contracts::VolumeMount& volume : source.volumes) {
        spec.mounts.push_back({volume.host_path, volume.container_path, volume.read_only});
    }
    spec.stop_signal = lifecycle.stop_signal;
    spec.stop_timeout = lifecycle.grace_period;
    return spec;
}

void add_labels(podman::ContainerSpec& spec, const DeviceId& device, const DeploymentName& deployment,
                const std::string& service) {
    spec.labels = owned_labels(device);
    spec.labels.emplace(contracts::kDeploymentLabel, deployment.str());
    spec.labels.emplace(contracts::kServiceLabel, service);
}

// They are few, and every look at the containers asks for several: a scan needs no copy of the key.
const std::string& value_of(const podman::Labels& labels, std::string_view label) {
    static const std::string kNone;
    const auto found =
        std::find_if(labels.begin(), labels.end(), [&](const auto& entry) { return entry.first == label; });
    return found == labels.end() ? kNone : found->second;
}

}  // namespace

std::string service_container_name(const DeviceId& device, const DeploymentName& deployment,
                                   const std::string& service) {
    return name_prefix(device, deployment) + service;
}

std::string init_container_name(const DeviceId& device, const DeploymentName& deployment,
                                const std::string& name) {
    return name_prefix(device, deployment) + "init." + name;
}

podman::Labels owned_labels(const DeviceId& device) {
    return {{std::string(contracts::kManagedByLabel), std::string(contracts::kManagedByAgent)},
            {std::string(contracts::kDeviceLabel), device.str()}};
}

ContainerSet containers_of(const DeviceId& device, const DeploymentName& deployment,
                           const contracts::PodmanV0& score) {
    ContainerSet set;
    for (const contracts::PodmanInitContainer& source : score.init_containers) {
        InitStep step{common_spec(source, score.lifecycle), source.timeout};
        step.container.name = init_container_name(device, deployment, source.name);
        add_labels(step.container, device, deployment, source.name);
        step.container.labels.emplace(contracts::kInitLabel, "true");
        set.init.push_back(std::move(step));
    }
    for (const contracts::PodmanService& source : score.services) {
        podman::ContainerSpec spec = common_spec(source, score.lifecycle);
        spec.name = service_container_name(device, deployment, source.name);
        for (const contracts::PortMapping& port : source.ports) {
            spec.ports.push_back({port.host_ip, port.host_port, port.container_port,
                                  std::string(contracts::to_string(port.protocol))});
        }
        spec.restart_policy = runtime_policy(source.restart_policy);
        add_labels(spec, device, deployment, source.name);
        spec.labels.emplace(contracts::kSpecHashLabel, spec_hash(score, source));
        set.services.push_back(std::move(spec));
    }
    return set;
}

const std::string& label_of(const podman::Container& container, std::string_view label) {
    return value_of(container.labels, label);
}

const std::string& label_of(const podman::ContainerSpec& spec, std::string_view label) {
    return value_of(spec.labels, label);
}

bool is_init_container(const podman::Container& container) {
    return label_of(container, contracts::kInitLabel) == "true";
}

}  // namespace harmony::agent
