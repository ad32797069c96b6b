// Commands to one device: core NATS request and reply (spec/commands.md).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/contracts/names.hpp"
#include "harmony/contracts/remote_error.hpp"
#include "harmony/contracts/timestamps.hpp"
#include "harmony/result.hpp"

namespace harmony::contracts {

inline constexpr std::string_view kCommandSubjectPrefix = "device-commands";

inline constexpr std::string_view kRequestIdHeader = "X-Harmony-Request-Id";
inline constexpr std::string_view kDeadlineHeader = "X-Harmony-Deadline";
inline constexpr std::string_view kOperatorSubHeader = "X-Harmony-Operator-Sub";

inline constexpr std::chrono::seconds kPingDeadline{5};             // client
inline constexpr std::chrono::seconds kLogsDeadline{30};            // client, to the first reply
inline constexpr std::chrono::seconds kExecDeadline{30};            // client
inline constexpr std::chrono::seconds kExecAgentDeadline{25};       // agent; then the command is killed
inline constexpr std::chrono::milliseconds kOfflineDeadline{1000};  // no responders is known within this

inline constexpr std::int64_t kLogsDefaultLines = 200;
inline constexpr std::int64_t kLogsMaxLines = 10'000;        // clamped by client and agent
inline constexpr std::size_t kLogsMaxLineBytes = 16 * 1024;  // a longer line is cut
// A followed stream lives on a lease: the client repeats its request at this interval, and the agent ends the
// stream when none came for three of them.
inline constexpr std::chrono::seconds kFollowRenewInterval{5};
inline constexpr std::chrono::seconds kFollowLease{15};
inline constexpr std::size_t kMaxFollows = 8;                   // on one device
inline constexpr std::size_t kMaxLogSources = 32;               // containers read on one device at once
inline constexpr std::size_t kFollowBufferBytes = 1024 * 1024;  // of one stream, on the agent
inline constexpr std::size_t kLogsTailBytes = 4 * 1024 * 1024;  // of one container's last lines
inline constexpr std::size_t kExecMaxStreamBytes = 256 * 1024;  // stdout and stderr each
inline constexpr std::size_t kMaxExecs = 4;                     // on one device at once
inline constexpr std::size_t kExecMaxArguments = 256;
inline constexpr std::size_t kExecMaxArgumentBytes = 64 * 1024;  // all together
inline constexpr std::size_t kMaxCommandRequestBytes = 128 * 1024;
inline constexpr std::size_t kMaxRequestIdBytes = 64;
inline constexpr std::size_t kMaxOperatorSubBytes = 256;

enum class CommandVerb { Ping, Logs, Exec };
[[nodiscard]] std::string_view to_string(CommandVerb verb);  // "ping", "logs", "exec"
[[nodiscard]] Result<CommandVerb> parse_command_verb(std::string_view text);
[[nodiscard]] std::chrono::seconds client_deadline(CommandVerb verb);

struct CommandSubject {
    DeviceId device;
    CommandVerb verb = CommandVerb::Ping;

    bool operator==(const CommandSubject&) const = default;
};

// "device-commands.<device>.<verb>"
[[nodiscard]] std::string command_subject(const DeviceId& device, CommandVerb verb);
// "device-commands.<device>.>": the agent's subscription.
[[nodiscard]] std::string command_subscription(const DeviceId& device);
[[nodiscard]] Result<CommandSubject> parse_command_subject(std::string_view subject);

// The three headers. A value that is absent in the message is empty here.
struct CommandHeaders {
    std::string request_id;             // letters, digits and '-', chosen by the client
    std::optional<Timestamp> deadline;  // after which no answer is waited for
    std::string operator_sub;           // on whose behalf; for the device's log

    // From the header values as received; empty texts are absent headers.
    [[nodiscard]] static Result<CommandHeaders> parse(std::string_view request_id, std::string_view deadline,
                                                      std::string_view operator_sub);
};

// The request is empty; whatever it holds is ignored.
struct PingReply {
    DeviceId device_id;
    std::string agent_version;
    std::int64_t uptime_s = 0;  // of the agent

    [[nodiscard]] static Result<PingReply> decode(std::string_view json);
    [[nodiscard]] std::string encode() const;

    bool operator==(const PingReply&) const = default;
};

// A followed stream's request comes again and again: Renew keeps it, End ends it. Both carry the request id
// of the one that opened it.
enum class FollowLease { Open, Renew, End };
[[nodiscard]] std::string_view to_string(FollowLease lease);

struct LogsRequest {
    DeploymentName deployment;
    std::optional<std::string> service;  // none: every service
    std::int64_t lines = kLogsDefaultLines;
    bool follow = false;
    std::optional<Timestamp> since;
    FollowLease lease = FollowLease::Open;

    // `lines` is clamped to 1..kLogsMaxLines.
    [[nodiscard]] static Result<LogsRequest> decode(std::string_view json);
    [[nodiscard]] std::string encode() const;

    bool operator==(const LogsRequest&) const = default;
};

// What became of a source whose lines are followed.
enum class LogsEvent {
    Ended,        // its container ended or is gone; the next one of the same service is followed
    Interrupted,  // the container runtime does not answer
    Resumed,      // lines come again: after a restart, of the successor, or from the runtime
};
[[nodiscard]] std::string_view to_string(LogsEvent event);

// Why no reply follows.
enum class LogsEnd {
    Complete,       // everything that was asked for has been sent
    Stopped,        // the client ended it
    LeaseExpired,   // no renewal came
    AgentStopping,  // the agent ends
};
[[nodiscard]] std::string_view to_string(LogsEnd end);

struct LogsReply {
    std::string source;  // the container's name; in the last reply the deployment's
    Timestamp captured_at;
    std::vector<std::string> lines;           // oldest first
    bool truncated = false;                   // older lines or the ends of long lines are missing
    std::optional<std::string> service = {};  // the container's service; none in the last reply
    std::int64_t sequence = 0;    // 0, 1, 2, ... over the replies to one request; a gap is a lost reply
    std::int64_t lost_lines = 0;  // dropped since the previous reply, because nobody took them in time
    std::optional<LogsEvent> event = {};
    std::optional<LogsEnd> end = {};  // set in the last reply, and only there

    [[nodiscard]] static Result<LogsReply> decode(std::string_view json);
    // Below kMaxDocumentBytes: oldest lines are dropped and truncated is set until it fits.
    [[nodiscard]] std::string encode() const;

    bool operator==(const LogsReply&) const = default;
};

// A log line as it is sent: U+FFFD for what is not UTF-8, and at most kLogsMaxLineBytes. `total_bytes` is the
// length of the whole line, of which `text` may be only the beginning; a line that is cut ends with
// " …[cut, <total> bytes]".
[[nodiscard]] std::string log_line_text(std::string_view text, std::size_t total_bytes);

struct ExecRequest {
    std::optional<DeploymentName> deployment;  // none: on the host
    std::optional<std::string> service;        // none: the deployment's only one
    std::vector<std::string> argv;             // at least one
    bool host = false;                         // on the device itself; neither deployment nor service then

    [[nodiscard]] static Result<ExecRequest> decode(std::string_view json);
    [[nodiscard]] std::string encode() const;

    bool operator==(const ExecRequest&) const = default;
};

struct ExecReply {
    std::int64_t exit_code = 0;
    // Text; bytes that are not UTF-8 arrive as U+FFFD. encode() keeps the first kExecMaxStreamBytes of each,
    // less where escaping would bring the document over kMaxDocumentBytes, and sets truncated.
    std::string standard_output;  // "stdout"
    std::string standard_error;   // "stderr"
    bool truncated = false;

    [[nodiscard]] static Result<ExecReply> decode(std::string_view json);
    [[nodiscard]] std::string encode() const;

    bool operator==(const ExecReply&) const = default;
};

// How a command fails for whoever sent it.
enum class CommandFailureKind {
    DeviceOffline,  // nobody subscribes for the device; known at once
    Timeout,        // somebody does, and did not answer in time
    BadReply,       // an answer that breaks the contract
    Agent,          // the agent answered with an error
    Transport,      // the connection to the broker
};
[[nodiscard]] std::string_view to_string(CommandFailureKind kind);

struct CommandFailure {
    CommandFailureKind kind = CommandFailureKind::Transport;
    std::optional<RemoteErrorKind> agent;  // set when kind is Agent
    std::string message;

    // "DeviceOffline: ...", "Agent{NotFound}: ..."
    [[nodiscard]] std::string text() const;
};

}  // namespace harmony::contracts
