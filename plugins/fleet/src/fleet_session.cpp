#include "fleet_session.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "harmony/daemon/config_reader.hpp"
#include "harmony/fleet_access/diagnostics.hpp"
#include "harmony/fleet_access/nats_access.hpp"

namespace harmony::fleet {

namespace {

constexpr const char* kArea = "fleet";
constexpr const char* kOperatorVariable = "HARMONY_OPERATOR";

std::string user_name() {
    passwd record{};
    passwd* found = nullptr;
    char buffer[4096];
    if (getpwuid_r(getuid(), &record, buffer, sizeof buffer, &found) == 0 && found != nullptr) {
        return record.pw_name;
    }
    return std::to_string(getuid());
}

std::string host_name() {
    char name[256];
    if (gethostname(name, sizeof name) != 0) return "unknown";
    name[sizeof name - 1] = '\0';
    return name;
}

// The hint of a name that nobody knows; empty where none is near.
std::string did_you_mean(const std::string& typed, const std::vector<std::string>& known) {
    const auto near = runtime::daemon::closest_match(typed, known);
    return near && *near != typed ? "did you mean \"" + *near + "\"?" : std::string();
}

std::string device_hint(FleetSession& session, const std::string& typed) {
    const auto devices = session.api().all_devices();
    if (!devices) return {};
    std::vector<std::string> names;
    for (const auto& device : *devices)
        names.push_back(device.metadata.name);
    if (std::find(names.begin(), names.end(), typed) != names.end()) {
        return "`harmony fleet devices` shows since when it has not been heard of";
    }
    const auto hint = did_you_mean(typed, names);
    return hint.empty() ? "`harmony fleet devices` lists the fleet's devices" : hint;
}

std::string deployment_hint(FleetSession& session, const std::string& typed) {
    const auto deployments = session.api().all_deployments();
    if (!deployments) return {};
    std::vector<std::string> names;
    for (const auto& deployment : *deployments)
        names.push_back(deployment.metadata.name);
    return did_you_mean(typed, names);
}

}  // namespace

std::string operator_name() {
    const char* given = std::getenv(kOperatorVariable);
    std::string name = given != nullptr && *given != '\0' ? given : user_name() + "@" + host_name();
    for (char& c : name) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    }
    if (name.size() > contracts::kMaxOperatorSubBytes) name.resize(contracts::kMaxOperatorSubBytes);
    return name;
}

plugin::Diagnostic command_problem(FleetSession& session, const contracts::DeviceId& device,
                                   const contracts::CommandFailure& failed, const std::string& deployment) {
    plugin::Diagnostic diagnostic;
    diagnostic.summary = failed.text();
    switch (failed.kind) {
        case contracts::CommandFailureKind::DeviceOffline:
            diagnostic.code = "fleet.device-offline";
            diagnostic.hint = device_hint(session, device.str());
            diagnostic.retryable = true;
            break;
        case contracts::CommandFailureKind::Timeout:
            diagnostic.code = "fleet.timeout";
            diagnostic.retryable = true;
            break;
        case contracts::CommandFailureKind::BadReply:
            diagnostic.code = "fleet.bad-reply";
            break;
        case contracts::CommandFailureKind::Transport:
            diagnostic.code = "fleet.unavailable";
            diagnostic.retryable = true;
            break;
        case contracts::CommandFailureKind::Agent:
            diagnostic.code =
                failed.agent == contracts::RemoteErrorKind::Timeout ? "fleet.timeout" : "fleet.refused";
            if (failed.agent == contracts::RemoteErrorKind::NotFound) {
                diagnostic.code = "fleet.not-found";
                diagnostic.hint = deployment_hint(session, deployment);
            }
            break;
    }
    return diagnostic;
}

plugin::Result<std::unique_ptr<FleetSession>> FleetSession::open(plugin::ServiceDirectory& services,
                                                                 plugin::SecretStore& secrets) {
    auto connection = fleet_access::connect_as_admin(services, secrets, "", kArea);
    if (!connection) return plugin::failure(std::move(connection.error()));
    return std::unique_ptr<FleetSession>(new FleetSession(std::move(*connection)));
}

tl::unexpected<plugin::Diagnostic> fleet_failure(const Error& error) {
    auto diagnostic = fleet_access::diagnostic_of(error, kArea);
    if (error.kind() == ErrorKind::Unavailable) {
        diagnostic.hint =
            "`harmony status` shows what runs, `harmony apply --filter FleetOperatorScore` brings the "
            "operator back";
    }
    return plugin::failure(std::move(diagnostic));
}

plugin::Result<std::unique_ptr<FleetSession>> open_session(FleetCommand::Run& run) {
    return FleetSession::open(run.use<plugin::ServiceDirectory>(), run.use<plugin::SecretStore>());
}

}  // namespace harmony::fleet
