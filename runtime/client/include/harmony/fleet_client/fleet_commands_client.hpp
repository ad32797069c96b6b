// Commands to devices.
#pragma once

#include <chrono>
#include <string>
#include <tl/expected.hpp>

#include "harmony/contracts/commands.hpp"
#include "harmony/nats/connection.hpp"

namespace harmony::runtime::fleet_client {

template <class T>
using CommandResult = tl::expected<T, contracts::CommandFailure>;

// Thread-safe as far as the connection is; the connection must outlive it and be started.
class FleetCommandsClient {
 public:
    // `operator_sub`: on whose behalf, for the device's log; at most kMaxOperatorSubBytes.
    explicit FleetCommandsClient(nats::NatsConnection& connection, std::string operator_sub = "")
        : connection_(connection), operator_sub_(std::move(operator_sub)) {}

    // DeviceOffline comes at once; the deadline is for a device that is there and does not answer.
    [[nodiscard]] CommandResult<contracts::PingReply> ping(
        const contracts::DeviceId& device, std::chrono::milliseconds deadline = contracts::kPingDeadline);

 private:
    [[nodiscard]] CommandResult<std::string> send(const contracts::DeviceId& device,
                                                  contracts::CommandVerb verb, std::string payload,
                                                  std::chrono::milliseconds deadline);

    nats::NatsConnection& connection_;
    std::string operator_sub_;
};

}  // namespace harmony::runtime::fleet_client
