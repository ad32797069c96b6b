// What a device leaves behind when its agent goes: containers, and its record at the operator.
#pragma once

#include <harmony/capability/container_runtime.hpp>
#include <harmony/capability/secret_store.hpp>
#include <harmony/capability/service_directory.hpp>
#include <string>

namespace harmony::fleet_agent {

// The labels that all containers of the device carry, and no others.
[[nodiscard]] plugin::ContainerRuntime::Labels containers_of(const std::string& device);

// Asks the operator to forget the device. Nothing where no operator answers: the record then shows the device
// as offline until `devices.delete` removes it. Returns why it was not done; empty when it was.
[[nodiscard]] std::string forget_device(plugin::ServiceDirectory& services, plugin::SecretStore& secrets,
                                        const std::string& nats_url, const std::string& device);

}  // namespace harmony::fleet_agent
