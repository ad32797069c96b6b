// What makes a container the one that a score asks for: its name, its labels and the hash of its
// specification.
#pragma once

#include <string>
#include <vector>

#include "harmony/contracts/names.hpp"
#include "harmony/contracts/podman_v0.hpp"
#include "harmony/podman/container_runtime.hpp"

namespace harmony::agent {

// "hf.<device>.<deployment>.<service>". The parts hold no dot, so different parts never make the same name.
[[nodiscard]] std::string service_container_name(const contracts::DeviceId& device,
                                                 const contracts::DeploymentName& deployment,
                                                 const std::string& service);
// "hf.<device>.<deployment>.init.<name>": one part more than any service has.
[[nodiscard]] std::string init_container_name(const contracts::DeviceId& device,
                                              const contracts::DeploymentName& deployment,
                                              const std::string& name);

// The labels that every container of this device carries; what the agent lists by and never looks beyond.
[[nodiscard]] runtime::podman::Labels owned_labels(const contracts::DeviceId& device);

struct InitStep {
    runtime::podman::ContainerSpec container;
    std::chrono::seconds timeout{0};
};

// What podman is asked for, in the order of the score. The spec hash is in each service's labels and covers
// the service, the score's init containers and its lifecycle: a change of any of them asks for fresh
// containers.
struct ContainerSet {
    std::vector<InitStep> init;
    std::vector<runtime::podman::ContainerSpec> services;
};
[[nodiscard]] ContainerSet containers_of(const contracts::DeviceId& device,
                                         const contracts::DeploymentName& deployment,
                                         const contracts::PodmanV0& score);

// The value of a label; empty where the container has none.
[[nodiscard]] const std::string& label_of(const runtime::podman::Container& container,
                                          std::string_view label);
[[nodiscard]] const std::string& label_of(const runtime::podman::ContainerSpec& spec, std::string_view label);
[[nodiscard]] bool is_init_container(const runtime::podman::Container& container);

}  // namespace harmony::agent
