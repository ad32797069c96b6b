#include "fleet.hpp"

#include "harmony/contracts/commands.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/fleet_access/nats_access.hpp"

namespace harmony::fleet_e2e {

using plugin::failure;

namespace {

constexpr const char* kFailed = "scenario.failed";
constexpr milliseconds kPollInterval{50};
constexpr milliseconds kApiDeadline{3'000};  // an operator that was killed answers no more
// Short, so that an agent's end and a lost hint show within the time a scenario has.
constexpr int kHeartbeatIntervalS = 2;
constexpr int kStaleAfterS = 6;

std::string counts_text(const contracts::DeploymentAggregate& counts) {
    return std::to_string(counts.matched_device_count) + " matched, " + std::to_string(counts.succeeded) +
           " succeeded, " + std::to_string(counts.failed) + " failed, " + std::to_string(counts.pending) +
           " pending";
}

}  // namespace

tl::unexpected<plugin::Diagnostic> failed(std::string summary) {
    return failure(kFailed, std::move(summary));
}

tl::unexpected<plugin::Diagnostic> failed(const Error& error) {
    return failed(error.text());
}

Result<void> expect_equal(const std::string& what, const std::string& found, const std::string& expected) {
    if (found == expected) return {};
    return failed(what + ": found \"" + found + "\", expected \"" + expected + "\"");
}

contracts::PodmanV0 one_service(const std::string& image) {
    contracts::PodmanV0 score;
    contracts::PodmanService service;
    service.name = "web";
    service.image = image;
    score.services.push_back(std::move(service));
    score.lifecycle.grace_period = std::chrono::seconds(2);
    return score;
}

contracts::DeviceId Fleet::device(int index) const {
    const std::string name = tools_.session.context + "-" + std::string(1, static_cast<char>('a' + index));
    return contracts::DeviceId::parse(name).value_or(contracts::DeviceId());
}

Result<std::string> Fleet::url() {
    return fleet_access::NatsInputs(tools_.services, tools_.secrets, "", {}, "scenario").url();
}

Result<void> Fleet::bring_up() {
    Json names = Json::array();
    Json devices = Json::array();
    const int agents = shape_.agents < 0 ? shape_.devices : shape_.agents;
    for (int i = 0; i < shape_.devices; ++i) {
        names.push_back(device(i).str());
        const Json labels = Json::object({{"role", std::string(1, static_cast<char>('a' + i))}});
        if (i < agents) devices.push_back(Json::object({{"id", device(i).str()}, {"labels", labels}}));
    }
    auto done = host().prepare();
    if (done) done = apply("FleetNatsScore", Json::object({{"devices", names}}));
    if (done && shape_.with_operator) {
        done = apply("FleetOperatorScore", Json::object({{"heartbeat_interval_s", kHeartbeatIntervalS},
                                                         {"heartbeat_stale_after_s", kStaleAfterS}}));
    }
    if (done && agents > 0) {
        done = apply("FleetAgentScore", Json::object({{"devices", devices},
                                                      {"runtime_enabled", tools_.containers != nullptr},
                                                      {"heartbeat_interval_s", kHeartbeatIntervalS}}));
    }
    if (done) done = connect();
    if (!done || !shape_.with_operator) return done;
    for (int i = 0; i < agents; ++i) {
        done = eventually([&] { return is_online(i); });
        if (!done) return done;
    }
    return done;
}

Result<void> Fleet::apply(std::string_view score, Json settings) {
    return tools_.apply(score, host().settings_of(score, std::move(settings)));
}

Result<void> Fleet::connect() {
    auto connection = fleet_access::connect_as_admin(tools_.services, tools_.secrets, "", "scenario");
    if (!connection) return failure(std::move(connection.error()));
    connection_ = std::move(*connection);
    api_.emplace(*connection_, kApiDeadline);
    commands_.emplace(*connection_, "harmony e2e");
    return {};
}

Result<void> Fleet::steps(const Steps& steps) {
    for (const auto& [name, body] : steps) {
        if (auto done = tools_.step(name, body); !done) return done;
    }
    return {};
}

Result<void> Fleet::eventually(milliseconds within, const Probe& probe) {
    const auto until = plugin::Call::Clock::now() + within;
    for (;;) {
        const std::string found = probe();
        if (found.empty()) return {};
        if (plugin::Call::Clock::now() >= until)
            return failed(found + ", still after " + std::to_string(within.count() / 1000) + " s");
        if (!tools_.call.wait(kPollInterval)) return plugin::cancelled_failure();
    }
}

Result<void> Fleet::throughout(milliseconds time, const Probe& probe) {
    const auto until = plugin::Call::Clock::now() + time;
    while (plugin::Call::Clock::now() < until) {
        if (const std::string found = probe(); !found.empty()) return failed(found);
        if (!tools_.call.wait(kPollInterval)) return plugin::cancelled_failure();
    }
    return {};
}

Result<void> Fleet::deploy(const std::string& name, const std::string& role,
                           const contracts::PodmanV0& score) {
    contracts::Deployment deployment;
    deployment.metadata.name = name;
    if (!role.empty()) deployment.spec.target_selector.match_labels["role"] = role;
    deployment.spec.score = score.to_score();
    if (const auto applied = api_->apply(deployment); !applied) return failed(applied.error());
    return {};
}

Result<void> Fleet::remove(const std::string& name) {
    if (const auto deleted = api_->delete_deployment(name); !deleted) return failed(deleted.error());
    return eventually([&]() -> std::string {
        const auto found = api_->deployment(name);
        if (found) return "the Deployment " + name + " is still there";
        return found.error().kind() == ErrorKind::NotFound ? "" : found.error().text();
    });
}

std::string Fleet::counts_are(const std::string& name, const std::string& expected) {
    const auto deployment = api_->deployment(name);
    if (!deployment) return deployment.error().text();
    if (!deployment->status || deployment->status->observed_generation < deployment->metadata.generation)
        return name + ": not seen by the operator yet";
    const auto& counts = deployment->status->aggregate;
    const std::string found = counts_text(counts);
    if (found == expected) return "";
    const std::string why = counts.last_error ? " (" + counts.last_error->message + ")" : "";
    return name + ": found " + found + why + ", expected " + expected;
}

std::string Fleet::desired_is(int index, const std::string& deployment,
                              const std::optional<std::string>& expected) {
    const auto name = contracts::DeploymentName::parse(deployment);
    if (!name) return name.error().text();
    const std::string key = contracts::desired_state_key(device(index), *name);
    const auto entry = bucket(contracts::kDesiredStateBucket).get(key);
    if (!entry) return entry.error().text();
    if (!expected) return *entry ? "the key " + key + " is still there" : "";
    if (!*entry) return "the key " + key + " is not there";
    return (*entry)->value == *expected ? "" : "the key " + key + " has another value";
}

std::string Fleet::answers(int index) {
    const auto reply = commands_->ping(device(index), 1s);
    return reply ? "" : device(index).str() + ": " + reply.error().text();
}

std::string Fleet::is_online(int index) {
    const auto found = api_->device(device(index).str());
    if (!found) return found.error().text();
    return found->device.status && found->device.status->online ? "" : device(index).str() + " is not online";
}

Result<plugin::Daemon> Fleet::daemon(const std::string& name) {
    auto found = processes().inspect(name);
    if (!found) return failure(std::move(found.error()));
    if (!*found) return failed("there is no daemon " + name);
    return std::move(**found);
}

std::string Fleet::runs_anew(const std::string& program, const Instance& former) {
    const auto now = host().instance(program);
    if (!now) return now.error().summary;
    if (now->id == former.id) return program + " is still the same, " + former.id;
    return !now->id.empty() && now->ready ? "" : program + " is not ready";
}

Result<void> Fleet::kill(const std::string& program) {
    const auto before = host().instance(program);
    if (!before) return failure(before.error());
    if (auto killed = host().kill(program); !killed) return killed;
    return eventually([&] { return runs_anew(program, *before); });
}

Result<std::vector<plugin::Container>> Fleet::containers(int index) {
    return tools_.containers->containers({{std::string(contracts::kDeviceLabel), device(index).str()}});
}

}  // namespace harmony::fleet_e2e
