// `logs`: the last lines of a deployment's containers, and the lines that follow.
//
// One thread reads for each container that is followed, one reads the last lines for each request, and one
// ("log-sender") sends what is followed; none exists while nobody asks.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "harmony/agent/background_work.hpp"
#include "harmony/agent/command_targets.hpp"
#include "harmony/agent/commands.hpp"
#include "harmony/agent/follow_buffer.hpp"
#include "harmony/agent/reconciler.hpp"
#include "harmony/agent/stream_lease.hpp"
#include "harmony/nats/connection.hpp"

namespace harmony::agent {

// Requests for last lines that are served at once; a further one is refused.
inline constexpr std::size_t kMaxTails = 4;
// How long lines are gathered before they are sent, and how much of them goes into one reply.
inline constexpr std::chrono::milliseconds kFollowGather{100};
inline constexpr std::size_t kFollowReplyBytes = 64 * 1024;
inline constexpr std::size_t kTailReplyBytes = 256 * 1024;
// How often it is looked for the successor of a container that has ended.
inline constexpr std::chrono::milliseconds kSuccessorPoll{500};

struct LogOptions {
    contracts::DeviceId device;
    bool runtime_enabled = true;
};

class LogStreams {
 public:
    LogStreams(LogOptions options, runtime::nats::NatsConnection& connection, RuntimeFactory runtimes,
               const Clock& clock, runtime::daemon::MetricsRegistry& metrics);
    ~LogStreams() { (void)stop(std::chrono::hours(1)); }
    LogStreams(const LogStreams&) = delete;
    LogStreams& operator=(const LogStreams&) = delete;

    // From the control thread; returns at once. InvalidInput, Unavailable, NotFound (nothing to renew or to
    // end), PermissionDenied (too much at once).
    [[nodiscard]] Result<void> begin(const CommandCall& call);
    // The connection to the broker is a new one.
    void connection_changed();
    // Tells whoever follows and ends all. False: something still runs after `patience`.
    [[nodiscard]] bool stop(std::chrono::milliseconds patience);
    [[nodiscard]] std::size_t followed() const;

 private:
    struct Stream;
    using StreamPtr = std::shared_ptr<Stream>;
    // Among the containers that may be followed at once.
    using Places = std::vector<std::shared_ptr<void>>;

    [[nodiscard]] Result<void> touch(const contracts::LogsRequest& request, const CommandCall& call);
    [[nodiscard]] Result<void> open(const contracts::LogsRequest& request, const CommandCall& call);
    void serve(const StreamPtr& stream, const std::stop_token& stop);
    [[nodiscard]] Result<Places> take_places(std::size_t count);
    [[nodiscard]] Result<void> send_tails(const StreamPtr& stream, const std::stop_token& stop);
    [[nodiscard]] Result<std::optional<runtime::podman::LogPosition>> send_tail(
        const StreamPtr& stream, const ServiceContainer& source, runtime::podman::ContainerRuntime& runtime);
    [[nodiscard]] bool send_lines(const StreamPtr& stream, const LogSource& source,
                                  const runtime::podman::LogTail& tail);
    void follow(const StreamPtr& stream, ServiceContainer source, runtime::podman::LogPosition at,
                const std::stop_token& stop);
    [[nodiscard]] std::optional<ServiceContainer> successor(Stream& stream, const ServiceContainer& previous,
                                                            bool interrupted,
                                                            runtime::podman::ContainerRuntime& runtime);
    void tell(const StreamPtr& stream, const LogSource& source, contracts::LogsEvent event);
    void run_sender(const std::stop_token& stop);
    void flush(const StreamPtr& stream);
    void finish(const StreamPtr& stream, contracts::LogsEnd end);
    void give_up(const StreamPtr& stream, const Error& why);
    [[nodiscard]] bool send(Stream& stream, contracts::LogsReply reply);
    void abandon(const StreamPtr& stream);
    void forget(const StreamPtr& stream);
    [[nodiscard]] bool pause(Stream& stream, std::chrono::milliseconds time);

    const LogOptions options_;
    runtime::nats::NatsConnection& connection_;
    const RuntimeFactory runtimes_;
    const Clock& clock_;
    runtime::daemon::Counter& replies_;
    runtime::daemon::Counter& lost_;
    runtime::daemon::Gauge& following_;

    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    std::map<std::string, StreamPtr> streams_;  // followed ones, by request id
    std::size_t tails_ = 0;
    std::size_t sources_ = 0;  // places that are taken
    bool sender_runs_ = false;
    BackgroundWork work_;  // last: its threads use everything above
};

}  // namespace harmony::agent
