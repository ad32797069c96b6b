// What every command does first: reach the fleet's NATS server as the context's administrator.
#pragma once

#include <harmony/capability/secret_store.hpp>
#include <harmony/capability/service_directory.hpp>
#include <harmony/plugin/command.hpp>
#include <memory>
#include <string>

#include "harmony/fleet_client/fleet_api_client.hpp"
#include "harmony/fleet_client/fleet_commands_client.hpp"
#include "harmony/nats/connection.hpp"

namespace harmony::fleet {

// What every command is written with. Not Result, which harmony itself has one of.
using plugin::CommandResult;
using plugin::failure;
using plugin::Json;

// Who asks, for the devices' logs: HARMONY_OPERATOR where it is set, else "user@host". A device takes it as
// it is: it is no proof.
[[nodiscard]] std::string operator_name();

class FleetSession {
 public:
    [[nodiscard]] static plugin::Result<std::unique_ptr<FleetSession>> open(
        plugin::ServiceDirectory& services, plugin::SecretStore& secrets);

    [[nodiscard]] runtime::fleet_client::FleetApiClient& api() { return api_; }
    [[nodiscard]] runtime::fleet_client::FleetCommandsClient& commands() { return commands_; }

 private:
    explicit FleetSession(std::unique_ptr<runtime::nats::NatsConnection> connection)
        : connection_(std::move(connection)), api_(*connection_), commands_(*connection_, operator_name()) {}

    std::unique_ptr<runtime::nats::NatsConnection> connection_;
    runtime::fleet_client::FleetApiClient api_;
    runtime::fleet_client::FleetCommandsClient commands_;
};

// Of the operator or of the way to it, as the user is told.
[[nodiscard]] tl::unexpected<plugin::Diagnostic> fleet_failure(const Error& error);

// Of a command to a device. Where a name may be a slip, the hint has the one that is near.
[[nodiscard]] plugin::Diagnostic command_problem(FleetSession& session, const contracts::DeviceId& device,
                                                 const contracts::CommandFailure& failed,
                                                 const std::string& deployment);

using FleetCommand = plugin::Command<plugin::ServiceDirectory, plugin::SecretStore>;

[[nodiscard]] plugin::Result<std::unique_ptr<FleetSession>> open_session(FleetCommand::Run& run);

}  // namespace harmony::fleet
