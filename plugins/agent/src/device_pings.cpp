#include "device_pings.hpp"

#include "device_names.hpp"
#include "harmony/fleet_client/fleet_commands_client.hpp"

namespace harmony::fleet_agent {

using plugin::Check;

namespace {

constexpr std::chrono::milliseconds kPingTimeout{10'000};
constexpr std::chrono::milliseconds kPingDelay{100};

Check ping(plugin::Call& call, runtime::nats::NatsConnection& connection, const std::string& device) {
    Check check{.name = device + " answers a ping"};
    runtime::fleet_client::FleetCommandsClient commands(connection);
    const auto until = std::chrono::steady_clock::now() + kPingTimeout;
    do {
        const auto reply = commands.ping(device_id(device));
        check.ok = reply.has_value();
        check.detail = reply ? "version " + reply->agent_version : reply.error().text();
    } while (!check.ok && std::chrono::steady_clock::now() < until && call.wait(kPingDelay));
    return check;
}

}  // namespace

plugin::Result<std::vector<Check>> ping_devices(plugin::Call& call, runtime::nats::NatsConnection& connection,
                                                const std::vector<DeviceParameters>& devices) {
    std::vector<Check> checks;
    for (const auto& device : devices) {
        if (call.cancelled()) return plugin::cancelled_failure();
        checks.push_back(ping(call, connection, device.id));
    }
    return checks;
}

}  // namespace harmony::fleet_agent
