#include "harmony/podman/container_runtime.hpp"

namespace harmony::runtime::podman {

std::string_view to_string(ContainerStatus status) {
    switch (status) {
        case ContainerStatus::Created:
            return "created";
        case ContainerStatus::Initialized:
            return "initialized";
        case ContainerStatus::Running:
            return "running";
        case ContainerStatus::Paused:
            return "paused";
        case ContainerStatus::Stopping:
            return "stopping";
        case ContainerStatus::Stopped:
            return "stopped";
        case ContainerStatus::Exited:
            return "exited";
        case ContainerStatus::Removing:
            return "removing";
        case ContainerStatus::Unknown:
            break;
    }
    return "unknown";
}

}  // namespace harmony::runtime::podman
