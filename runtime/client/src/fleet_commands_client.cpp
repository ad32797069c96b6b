#include "harmony/fleet_client/fleet_commands_client.hpp"

#include <random>
#include <utility>

#include "harmony/contracts/canonical_json.hpp"
#include "log_session.hpp"

namespace harmony::runtime::fleet_client {

using contracts::CommandFailure;
using contracts::CommandFailureKind;

namespace {

// Tells requests apart; nobody has to be unable to guess it. The system's entropy for each would be a tenth
// of a ping's round trip.
std::string new_request_id() {
    thread_local std::mt19937_64 random = [] {
        std::random_device entropy;
        return std::mt19937_64(std::uint64_t{entropy()} << 32 | entropy());
    }();
    return contracts::hex16(random());
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

nats::Message FleetCommandsClient::build(const contracts::DeviceId& device, contracts::CommandVerb verb,
                                         std::string payload, std::chrono::milliseconds deadline,
                                         std::string request_id) const {
    nats::Message request;
    request.subject = contracts::command_subject(device, verb);
    request.payload = std::move(payload);
    const auto until = contracts::Timestamp::from(std::chrono::system_clock::now() + deadline);
    request.headers.reserve(3);
    request.headers.push_back({std::string(contracts::kRequestIdHeader), std::move(request_id)});
    request.headers.push_back({std::string(contracts::kDeadlineHeader), until.format()});
    if (!operator_sub_.empty()) {
        request.headers.push_back({std::string(contracts::kOperatorSubHeader), operator_sub_});
    }
    return request;
}

CommandResult<std::string> FleetCommandsClient::send(const contracts::DeviceId& device,
                                                     contracts::CommandVerb verb, std::string payload,
                                                     std::chrono::milliseconds deadline) {
    const auto request = build(device, verb, std::move(payload), deadline, new_request_id());
    auto answer = connection_.request(request, deadline);
    if (!answer) {
        const CommandFailureKind kind = kind_of(answer.error().kind());
        const std::string why = kind == CommandFailureKind::DeviceOffline ? "its agent is not connected"
                                : kind == CommandFailureKind::Timeout
                                    ? "no answer within " + std::to_string(deadline.count()) + " ms"
                                    : answer.error().text();
        return failed(kind, "device " + device.str() + ": " + why);
    }
    // An error document holds this word; what does not is parsed once, by its own decoder.
    if (answer->payload.find("\"error\"") == std::string::npos) return std::move(answer->payload);
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

CommandResult<contracts::ExecReply> FleetCommandsClient::exec(const contracts::DeviceId& device,
                                                              const contracts::ExecRequest& request,
                                                              std::chrono::milliseconds deadline) {
    const auto answer = send(device, contracts::CommandVerb::Exec, request.encode(), deadline);
    if (!answer) return tl::unexpected(answer.error());
    auto reply = contracts::ExecReply::decode(*answer);
    if (!reply) {
        return failed(CommandFailureKind::BadReply, "device " + device.str() + ": " + reply.error().text());
    }
    return std::move(*reply);
}

CommandResult<void> FleetCommandsClient::logs(const contracts::DeviceId& device,
                                              contracts::LogsRequest request, LogSink& sink,
                                              const LogTimes& times) {
    const auto publish = [&](const std::string& id, const contracts::LogsRequest& asked,
                             const std::string& reply) {
        auto message = build(device, contracts::CommandVerb::Logs, asked.encode(), times.deadline, id);
        message.reply = reply;
        return connection_.publish(message);
    };
    LogSession session(connection_, device, std::move(request), times, publish, new_request_id);
    return session.run(sink);
}

}  // namespace harmony::runtime::fleet_client
