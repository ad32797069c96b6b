#include "fleet_scenarios.hpp"

#include <functional>
#include <string>
#include <vector>

#include "fleet_session.hpp"

namespace harmony::fleet {

using plugin::failure;
using plugin::Json;
using plugin::Result;

namespace {

constexpr const char* kFailed = "scenario.failed";

using FleetScenario = plugin::Scenario<plugin::NoParameters, plugin::ServiceDirectory, plugin::SecretStore>;
using FleetRun = FleetScenario::Run;

struct ScoreSettings {
    const char* score;
    Json settings;
};

// In the order of applying.
std::vector<ScoreSettings> fleet_scores(const std::string& device) {
    const Json one = Json::object({{"id", device}});
    return {{"FleetNatsScore", Json::object({{"port", 0}, {"devices", Json::array({device})}})},
            {"FleetOperatorScore", Json::object()},
            {"FleetAgentScore", Json::object({{"devices", Json::array({one})}, {"runtime_enabled", false}})}};
}

Result<void> bring_up(FleetRun& run, const std::string& device) {
    for (const auto& [score, settings] : fleet_scores(device)) {
        if (auto steps = run.apply_score(score, settings); !steps) return failure(std::move(steps.error()));
    }
    return {};
}

Result<void> take_down(FleetRun& run, const std::string& device) {
    auto scores = fleet_scores(device);
    for (auto last = scores.rbegin(); last != scores.rend(); ++last) {
        if (auto steps = run.destroy_score(last->score, last->settings); !steps) {
            return failure(std::move(steps.error()));
        }
    }
    return {};
}

// The context's name is unique, so it names the device as well.
Result<void> on_a_fleet(FleetRun& run,
                        const std::function<Result<void>(FleetSession&, const contracts::DeviceId&)>& body) {
    const std::string name = run.session().context;
    auto outcome = run.step("a fleet of one device is up", [&] { return bring_up(run, name); });
    if (outcome) {
        auto session =
            FleetSession::open(run.use<plugin::ServiceDirectory>(), run.use<plugin::SecretStore>());
        const auto device = contracts::DeviceId::parse(name);
        if (!session) {
            outcome = failure(std::move(session.error()));
        } else if (!device) {
            outcome = failure(kFailed, device.error().text());
        } else {
            outcome = body(**session, *device);
        }
    }
    if (run.keep()) return outcome;
    auto gone = run.step("the fleet is gone", [&] { return take_down(run, name); });
    return outcome ? gone : outcome;
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
    return on_a_fleet(run, [&](FleetSession& session, const contracts::DeviceId& device) {
        return run.step(device.str() + " answers", [&] { return ping_answers(session, device); });
    });
}

Result<void> PingOfflineScenario::run(Run& run) {
    return on_a_fleet(run, [&](FleetSession& session, const contracts::DeviceId&) -> Result<void> {
        const auto nobody = contracts::DeviceId::parse("nobody-there-in-this-fleet");
        if (!nobody) return failure(kFailed, nobody.error().text());
        return run.step("DeviceOffline at once", [&] { return ping_is_offline(session, *nobody); });
    });
}

}  // namespace harmony::fleet
