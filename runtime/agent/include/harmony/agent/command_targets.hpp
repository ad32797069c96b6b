// Which container a command means.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harmony/contracts/names.hpp"
#include "harmony/podman/container_runtime.hpp"
#include "harmony/result.hpp"

namespace harmony::agent {

struct ServiceContainer {
    std::string service;
    runtime::podman::Container container;

    [[nodiscard]] bool running() const {
        return container.status == runtime::podman::ContainerStatus::Running;
    }
};

// The deployment's services on this device, by name, init containers left out. Of two containers of one
// service the one that runs counts, else the younger. NotFound: no such deployment, or service, here; the
// message names those that are. Unavailable.
[[nodiscard]] Result<std::vector<ServiceContainer>> find_services(runtime::podman::ContainerRuntime& runtime,
                                                                  const contracts::DeviceId& device,
                                                                  const contracts::DeploymentName& deployment,
                                                                  const std::optional<std::string>& service);

}  // namespace harmony::agent
