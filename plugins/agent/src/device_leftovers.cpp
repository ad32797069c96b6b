#include "device_leftovers.hpp"

#include "harmony/contracts/podman_v0.hpp"
#include "harmony/fleet_access/nats_access.hpp"
#include "harmony/fleet_client/fleet_api_client.hpp"

namespace harmony::fleet_agent {

namespace {

constexpr std::chrono::milliseconds kForgetDeadline{2'000};

}  // namespace

plugin::ContainerRuntime::Labels containers_of(const std::string& device) {
    return {{std::string(contracts::kManagedByLabel), std::string(contracts::kManagedByAgent)},
            {std::string(contracts::kDeviceLabel), device}};
}

std::string forget_device(plugin::ServiceDirectory& services, plugin::SecretStore& secrets,
                          const std::string& nats_url, const std::string& device) {
    auto connection = fleet_access::connect_as_admin(services, secrets, nats_url, "agent");
    if (!connection) return connection.error().summary;
    runtime::fleet_client::FleetApiClient api(**connection, kForgetDeadline);
    const auto done = api.delete_device(device);
    if (done || done.error().kind() == ErrorKind::NotFound) return {};
    return done.error().text();
}

}  // namespace harmony::fleet_agent
