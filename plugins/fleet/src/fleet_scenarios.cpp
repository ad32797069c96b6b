#include "fleet_scenarios.hpp"

#include "fleet_session.hpp"

namespace harmony::fleet {

using plugin::failure;
using plugin::Result;

namespace {

constexpr const char* kFailed = "scenario.failed";

Result<std::vector<contracts::DeviceId>> online_devices(FleetSession& session) {
    const auto devices = session.api().all_devices();
    if (!devices) return fleet_failure(devices.error());
    std::vector<contracts::DeviceId> online;
    for (const auto& device : *devices) {
        const auto id = device.id();
        if (id && device.status && device.status->online) online.push_back(*id);
    }
    if (online.empty()) return failure(kFailed, "no device is online");
    return online;
}

Result<void> ping_answers(FleetSession& session, const contracts::DeviceId& device) {
    const auto reply = session.commands().ping(device);
    if (!reply) return failure(kFailed, reply.error().text());
    if (reply->agent_version.empty()) return failure(kFailed, "the reply has no agent_version");
    if (reply->uptime_s < 0) return failure(kFailed, "uptime_s is " + std::to_string(reply->uptime_s));
    return {};
}

Result<void> ping_is_offline(FleetSession& session, const contracts::DeviceId& device) {
    const auto start = std::chrono::steady_clock::now();
    const auto reply = session.commands().ping(device);
    const auto took = std::chrono::steady_clock::now() - start;
    if (reply) return failure(kFailed, device.str() + " answered");
    if (reply.error().kind != contracts::CommandFailureKind::DeviceOffline) {
        return failure(kFailed, "found " + reply.error().text() + ", expected DeviceOffline");
    }
    if (took >= contracts::kOfflineDeadline) return failure(kFailed, "it took a second or longer");
    return {};
}

}  // namespace

Result<void> PingScenario::run(Run& run) {
    auto session = FleetSession::open(run.use<plugin::ServiceDirectory>(), run.use<plugin::SecretStore>());
    if (!session) return failure(std::move(session.error()));
    std::vector<contracts::DeviceId> devices;
    if (run.params().device.empty()) {
        auto online = online_devices(**session);
        if (!online) return failure(std::move(online.error()));
        devices = std::move(*online);
    } else {
        auto device = contracts::DeviceId::parse(run.params().device);
        if (!device) return plugin::invalid_parameter("device", device.error().text());
        devices.push_back(std::move(*device));
    }
    for (const auto& device : devices) {
        auto done = run.step(device.str() + " answers", [&] { return ping_answers(**session, device); });
        if (!done) return done;
    }
    return {};
}

Result<void> PingOfflineScenario::run(Run& run) {
    auto session = FleetSession::open(run.use<plugin::ServiceDirectory>(), run.use<plugin::SecretStore>());
    if (!session) return failure(std::move(session.error()));
    const auto device = contracts::DeviceId::parse("nobody-there-in-this-fleet");
    if (!device) return failure(kFailed, device.error().text());
    return run.step("DeviceOffline at once", [&] { return ping_is_offline(**session, *device); });
}

}  // namespace harmony::fleet
