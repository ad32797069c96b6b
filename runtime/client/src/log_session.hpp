// One call of logs(): its replies in order, its lease, its end. Private to fleet_client.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "harmony/fleet_client/fleet_commands_client.hpp"

namespace harmony::runtime::fleet_client {

class LogSession {
 public:
    using Clock = std::chrono::steady_clock;
    using Publish = std::function<Result<void>(
        const std::string& request_id, const contracts::LogsRequest& request, const std::string& reply)>;

    LogSession(nats::NatsConnection& connection, const contracts::DeviceId& device,
               contracts::LogsRequest request, const LogTimes& times, Publish publish,
               std::function<std::string()> new_id);
    LogSession(const LogSession&) = delete;
    LogSession& operator=(const LogSession&) = delete;

    [[nodiscard]] CommandResult<void> run(LogSink& sink);

 private:
    enum class Next { Go, End };

    [[nodiscard]] CommandResult<void> open();
    [[nodiscard]] std::optional<nats::Message> next_message();
    [[nodiscard]] CommandResult<Next> handle(const nats::Message& message, LogSink& sink);
    [[nodiscard]] CommandResult<Next> refused(const contracts::RemoteError& error, LogSink& sink);
    [[nodiscard]] CommandResult<Next> nobody();
    [[nodiscard]] CommandResult<void> keep_alive();
    [[nodiscard]] CommandResult<void> start_again(LogSink& sink);
    void end();
    void close_inbox();
    [[nodiscard]] tl::unexpected<contracts::CommandFailure> failed(contracts::CommandFailureKind kind,
                                                                   const std::string& why) const;

    nats::NatsConnection& connection_;
    const contracts::DeviceId& device_;
    contracts::LogsRequest request_;
    const LogTimes& times_;
    const Publish publish_;
    const std::function<std::string()> new_id_;
    nats::Subscription subscription_;
    std::string inbox_;
    std::string id_;
    std::int64_t expected_ = 0;  // the next reply's sequence
    bool answered_ = false;      // the device has sent something
    Clock::time_point heard_{};  // when it last sent something
    Clock::time_point renew_at_{};
    std::optional<Clock::time_point> missing_since_;  // the broker says that nobody is there
    bool missing_ = false;                            // it said so of the last renewal
    std::optional<contracts::Timestamp> captured_;    // of the newest reply

    std::mutex mutex_;
    std::condition_variable arrived_;
    std::deque<nats::Message> messages_;
    bool open_ = false;  // messages are wanted
};

}  // namespace harmony::runtime::fleet_client
