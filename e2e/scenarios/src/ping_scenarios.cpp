#include "ping_scenarios.hpp"

namespace harmony::fleet_e2e {

namespace {

Result<void> ping_answers(Fleet& fleet) {
    const auto device = fleet.device(0);
    const auto reply = fleet.commands().ping(device);
    if (!reply) return failed(reply.error().text());
    if (reply->device_id != device)
        return failed("found the id " + reply->device_id.str() + ", expected " + device.str());
    if (reply->agent_version.empty()) return failed("the reply has no agent_version");
    if (reply->uptime_s < 0 || reply->uptime_s > 60)
        return failed("found an uptime of " + std::to_string(reply->uptime_s) +
                      " s, expected that of an agent that has just started");
    return {};
}

Result<void> ping_is_offline(Fleet& fleet, const contracts::DeviceId& device) {
    const auto start = std::chrono::steady_clock::now();
    const auto reply = fleet.commands().ping(device);
    const auto took = std::chrono::steady_clock::now() - start;
    if (reply) return failed(device.str() + " answered, expected DeviceOffline");
    if (reply.error().kind != contracts::CommandFailureKind::DeviceOffline)
        return failed("found " + reply.error().text() + ", expected DeviceOffline");
    if (took >= contracts::kOfflineDeadline) return failed("it took a second or longer");
    return {};
}

}  // namespace

Result<void> PingScenario::run(Run& run) {
    return on_a_fleet(run, {}, [](Fleet& fleet) {
        return fleet.step("the device answers with id, version and uptime",
                          [&] { return ping_answers(fleet); });
    });
}

Result<void> PingOfflineScenario::run(Run& run) {
    return on_a_fleet(run, {}, [](Fleet& fleet) -> Result<void> {
        const auto nobody = contracts::DeviceId::parse("nobody-there");
        if (!nobody) return failed(nobody.error());
        return fleet.steps(
            {{"a device that never was is offline at once", [&] { return ping_is_offline(fleet, *nobody); }},
             {"so is one whose agent was stopped", [&]() -> Result<void> {
                  if (auto stopped = fleet.host().stop(fleet.agent_daemon(0)); !stopped) return stopped;
                  return ping_is_offline(fleet, fleet.device(0));
              }}});
    });
}

}  // namespace harmony::fleet_e2e
