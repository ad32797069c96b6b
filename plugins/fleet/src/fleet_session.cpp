#include "fleet_session.hpp"

#include "harmony/fleet_access/diagnostics.hpp"
#include "harmony/fleet_access/nats_access.hpp"

namespace harmony::fleet {

namespace {

constexpr const char* kArea = "fleet";

}  // namespace

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
