#include "harmony/fleet_client/fleet_commands_client.hpp"

#include <random>
#include <utility>

#include "harmony/contracts/canonical_json.hpp"

namespace harmony::runtime::fleet_client {

using contracts::CommandFailure;
using contracts::CommandFailureKind;

namespace {

std::string new_request_id() {
    std::random_device entropy;
    return contracts::hex16(std::uint64_t{entropy()} << 32 | entropy());
}

tl::unexpected<CommandFailure> failed(CommandFailureKind kind, std::string message) {
    return tl::unexpected(CommandFailure{kind, std::nullopt, std::move(message)});
}

CommandFailureKind kind_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::NotFound:
            return CommandFailureKind::DeviceOffline;
        case ErrorKind::Timeout:
            return CommandFailureKind::Timeout;
        default:
            return CommandFailureKind::Transport;
    }
}

}  // namespace

CommandResult<std::string> FleetCommandsClient::send(const contracts::DeviceId& device,
                                                     contracts::CommandVerb verb, std::string payload,
                                                     std::chrono::milliseconds deadline) {
    nats::Message request;
    request.subject = contracts::command_subject(device, verb);
    request.payload = std::move(payload);
    const auto until = contracts::Timestamp::from(std::chrono::system_clock::now() + deadline);
    request.headers = {{std::string(contracts::kRequestIdHeader), new_request_id()},
                       {std::string(contracts::kDeadlineHeader), until.format()}};
    if (!operator_sub_.empty()) {
        request.headers.push_back({std::string(contracts::kOperatorSubHeader), operator_sub_});
    }
    auto answer = connection_.request(request, deadline);
    if (!answer) {
        const CommandFailureKind kind = kind_of(answer.error().kind());
        const std::string why = kind == CommandFailureKind::DeviceOffline ? "its agent is not connected"
                                : kind == CommandFailureKind::Timeout
                                    ? "no answer within " + std::to_string(deadline.count()) + " ms"
                                    : answer.error().text();
        return failed(kind, "device " + device.str() + ": " + why);
    }
    const auto refused = contracts::find_remote_error(answer->payload);
    if (!refused)
        return failed(CommandFailureKind::BadReply, "device " + device.str() + ": " + refused.error().text());
    if (*refused) {
        return tl::unexpected(
            CommandFailure{CommandFailureKind::Agent, (*refused)->kind, (*refused)->message});
    }
    return std::move(answer->payload);
}

CommandResult<contracts::PingReply> FleetCommandsClient::ping(const contracts::DeviceId& device,
                                                              std::chrono::milliseconds deadline) {
    const auto answer = send(device, contracts::CommandVerb::Ping, "", deadline);
    if (!answer) return tl::unexpected(answer.error());
    auto reply = contracts::PingReply::decode(*answer);
    if (!reply) {
        return failed(CommandFailureKind::BadReply, "device " + device.str() + ": " + reply.error().text());
    }
    if (reply->device_id != device) {
        return failed(CommandFailureKind::BadReply,
                      "device " + device.str() + ": the reply's device_id is " + reply->device_id.str());
    }
    return std::move(*reply);
}

}  // namespace harmony::runtime::fleet_client
