// Where the fleet's NATS server is and with whose credentials it is reached. FleetNatsScore puts the names
// below into the context, everybody else looks there.
#pragma once

#include <chrono>
#include <harmony/capability/secret_store.hpp>
#include <harmony/capability/service_directory.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/contracts/names.hpp"
#include "harmony/nats/connection.hpp"

namespace harmony::fleet_access {

inline constexpr std::string_view kNatsScore = "FleetNatsScore";
inline constexpr std::string_view kNatsDaemon = "fleet-nats";  // and the name of its service
inline constexpr std::string_view kNatsClientPort = "client";
inline constexpr std::string_view kNatsMonitorPort = "monitor";
inline constexpr std::string_view kAdminSecret = "nats/admin";
inline constexpr std::string_view kOperatorSecret = "nats/operator";
inline constexpr std::string_view kSimulatorSecret = "nats/simulator";
inline constexpr std::string_view kDeviceSecretPrefix = "nats/device/";

[[nodiscard]] std::string device_secret(const contracts::DeviceId& device);

// What is written while a value is known only after FleetNatsScore was applied. Never reaches a daemon.
inline constexpr std::string_view kKnownLater = "known once FleetNatsScore is applied";

// For one plan: the values as far as they are known.
class NatsInputs {
 public:
    // `given_url` wins over the service directory. `pending` names the Scores of the run that still have
    // work. `area` begins the codes of the diagnostics.
    NatsInputs(plugin::ServiceDirectory& services, plugin::SecretStore& secrets, std::string given_url,
               const std::vector<std::string>& pending, std::string area);

    // HP_E_INVALID "<area>.nats-not-found" where there is no server and none is about to be there.
    [[nodiscard]] plugin::Result<std::string> url();
    // What url() is where no server was found: kKnownLater, or the failure.
    [[nodiscard]] plugin::Result<std::string> url_when_missing() const;
    [[nodiscard]] const std::string& given_url() const { return given_url_; }
    // HP_E_INVALID "<area>.credentials-missing" likewise; the hint says how they come to be.
    [[nodiscard]] plugin::Result<std::string> secret(const std::string& name, const std::string& hint);
    // FleetNatsScore goes first and has work, so that what was found may still change.
    [[nodiscard]] bool deferred() const { return deferred_; }

 private:
    plugin::ServiceDirectory& services_;
    plugin::SecretStore& secrets_;
    std::string given_url_;
    bool deferred_;
    std::string area_;
};

// A connection as `user`, made now or refused now: "<area>.unavailable", "<area>.permission-denied".
[[nodiscard]] plugin::Result<std::unique_ptr<runtime::nats::NatsConnection>> connect(
    const std::string& url, runtime::nats::Credentials credentials, std::string inbox_prefix,
    const std::string& area, runtime::nats::ConnectionEvents events = {});

// The same as the context's administrator, at `given_url` or where the service directory says.
[[nodiscard]] plugin::Result<std::unique_ptr<runtime::nats::NatsConnection>> connect_as_admin(
    plugin::ServiceDirectory& services, plugin::SecretStore& secrets, const std::string& given_url,
    const std::string& area);

}  // namespace harmony::fleet_access
