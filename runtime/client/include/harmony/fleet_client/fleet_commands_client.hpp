// Commands to devices.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <tl/expected.hpp>

#include "harmony/contracts/commands.hpp"
#include "harmony/nats/connection.hpp"

namespace harmony::runtime::fleet_client {

template <class T>
using CommandResult = tl::expected<T, contracts::CommandFailure>;

// What is told of replies that never came: as many lines as may have been in them are unknown.
struct LostReplies {
    std::int64_t count = 0;
};

// Who takes what logs() brings. Called from the thread that called logs().
class LogSink {
 public:
    virtual ~LogSink() = default;
    // False: no more of it.
    [[nodiscard]] virtual bool take(const contracts::LogsReply& reply) = 0;
    // Replies were lost between the one before and the next.
    virtual void lost(const LostReplies& replies) = 0;
    // The device began anew, because its agent did: lines around now may come twice.
    virtual void restarted() = 0;
    // Asked at least every 50 ms. True ends the stream.
    [[nodiscard]] virtual bool cancelled() = 0;
};

struct LogTimes {
    std::chrono::milliseconds deadline =
        contracts::kLogsDeadline;  // to the first reply, and between tail replies
    std::chrono::milliseconds renew_interval = contracts::kFollowRenewInterval;
    // How long the broker's word that nobody is there is not taken for the end of a followed stream: the
    // device may be reconnecting, or its agent be restarting.
    std::chrono::milliseconds patience = contracts::kFollowLease;
};

// Thread-safe as far as the connection is; the connection must outlive it and be started.
class FleetCommandsClient {
 public:
    // `operator_sub`: on whose behalf, for the device's log; at most kMaxOperatorSubBytes.
    explicit FleetCommandsClient(nats::NatsConnection& connection, std::string operator_sub = "")
        : connection_(connection), operator_sub_(std::move(operator_sub)) {}

    // DeviceOffline comes at once; the deadline is for a device that is there and does not answer.
    [[nodiscard]] CommandResult<contracts::PingReply> ping(
        const contracts::DeviceId& device, std::chrono::milliseconds deadline = contracts::kPingDeadline);

    // Blocks for at most the deadline. Where the outcome is Timeout or Transport, nobody knows whether the
    // command was run: it is never sent twice.
    [[nodiscard]] CommandResult<contracts::ExecReply> exec(
        const contracts::DeviceId& device, const contracts::ExecRequest& request,
        std::chrono::milliseconds deadline = contracts::kExecDeadline);

    // Hands every reply to the sink until the last one. A followed stream goes on until the sink ends it, the
    // device ends it, or the device is gone for LogTimes::patience (DeviceOffline).
    [[nodiscard]] CommandResult<void> logs(const contracts::DeviceId& device, contracts::LogsRequest request,
                                           LogSink& sink, const LogTimes& times = {});

 private:
    [[nodiscard]] nats::Message build(const contracts::DeviceId& device, contracts::CommandVerb verb,
                                      std::string payload, std::chrono::milliseconds deadline,
                                      std::string request_id) const;
    [[nodiscard]] CommandResult<std::string> send(const contracts::DeviceId& device,
                                                  contracts::CommandVerb verb, std::string payload,
                                                  std::chrono::milliseconds deadline);

    nats::NatsConnection& connection_;
    std::string operator_sub_;
};

}  // namespace harmony::runtime::fleet_client
