// Who may use which NATS subject. Derived from the builders of the contract: a broker's configuration and the
// auth callout are written from these lists and hold no subject of their own.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/contracts/names.hpp"

namespace harmony::contracts {

inline constexpr std::string_view kAdminUser =
    "admin";  // no restriction; a person with the context's secrets
inline constexpr std::string_view kOperatorUser = "operator";
inline constexpr std::string_view kSimulatorUser = "simulator";  // plays many devices; only where asked for
inline constexpr std::string_view kSimulatorInboxPrefix = "_INBOX_simulator";
inline constexpr std::string_view kDeviceUserPrefix = "device-";
inline constexpr std::string_view kOperatorInboxPrefix = "_INBOX_operator";
inline constexpr std::string_view kDeviceInboxPrefix = "_INBOX_device-";  // followed by the device's id

// NATS allow_responses: publishing on the reply subject of a message that was received.
struct ResponsePermission {
    int max_messages = 1;
    std::chrono::seconds expires{0};

    bool operator==(const ResponsePermission&) const = default;
};

// Of a device, for each message it receives: an exec is over before that, and whoever follows logs asks again
// every few seconds.
inline constexpr ResponsePermission kDeviceResponses{1000, std::chrono::seconds{120}};

struct SubjectPermissions {
    std::vector<std::string> publish;    // allowed; everything else is refused
    std::vector<std::string> subscribe;  // likewise
    ResponsePermission responses;
    std::string inbox_prefix;  // what the client must set as its inbox prefix, without a final '.'

    bool operator==(const SubjectPermissions&) const = default;
};

[[nodiscard]] std::string device_user(const DeviceId& device);          // "device-<id>"
[[nodiscard]] std::string device_inbox_prefix(const DeviceId& device);  // "_INBOX_device-<id>"

// Its own keys, its own commands, its own inbox; nothing of JetStream but the direct get of its own keys.
[[nodiscard]] SubjectPermissions device_permissions(const DeviceId& device);

// What device_permissions() allows, for every device at once: a NATS permission cannot name a part of a
// token, so that a simulator which plays a million devices over a few connections may speak for any of them.
[[nodiscard]] SubjectPermissions simulator_permissions();

// The four buckets with their streams, and the fleet API. No command to a device: a person's connection sends
// those.
[[nodiscard]] SubjectPermissions operator_permissions();

}  // namespace harmony::contracts
