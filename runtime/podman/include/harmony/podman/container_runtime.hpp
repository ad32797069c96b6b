// Containers on this machine.
//
// make_podman_runtime() speaks libpod's REST API over podman's socket; FakeContainerRuntime
// (fake_runtime.hpp) serves unit tests.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/podman/registry_auth.hpp"
#include "harmony/result.hpp"

namespace harmony::runtime::podman {

struct PortMapping {
    std::string host_ip = {};     // empty: all addresses
    std::uint16_t host_port = 0;  // 0: podman chooses
    std::uint16_t container_port = 0;
    std::string protocol = "tcp";  // tcp, udp or sctp

    bool operator==(const PortMapping&) const = default;
};

struct BindMount {
    std::string source;  // absolute path on the host
    std::string destination;
    bool read_only = false;

    bool operator==(const BindMount&) const = default;
};

enum class RestartPolicy { No, OnFailure, Always };

using Labels = std::map<std::string, std::string>;

struct ContainerSpec {
    std::string name;
    std::string image;
    std::vector<std::string> command;  // the image's arguments; empty: the image's own
    std::map<std::string, std::string> environment;
    std::vector<PortMapping> ports;
    std::vector<BindMount> mounts;
    Labels labels;
    RestartPolicy restart_policy = RestartPolicy::No;
    std::string stop_signal;                // such as SIGTERM; empty: the image's own
    std::chrono::seconds stop_timeout{10};  // then SIGKILL
    std::string hostname;                   // empty: podman's default
    std::string network_mode;               // empty: podman's default; else bridge, host, none, slirp4netns

    bool operator==(const ContainerSpec&) const = default;
};

// Podman's words, one for one; Unknown stands for any other.
enum class ContainerStatus {
    Created,
    Initialized,
    Running,
    Paused,
    Stopping,
    Stopped,
    Exited,
    Removing,
    Unknown
};
std::string_view to_string(ContainerStatus status);

struct Container {
    std::string id;
    std::string name;
    std::string image;  // as it was asked for
    std::string image_id;
    ContainerStatus status = ContainerStatus::Unknown;
    int exit_code = 0;  // meaningful when Exited or Stopped
    Labels labels;
    std::int64_t created_at = 0;  // seconds since 1970
    std::int64_t started_at = 0;  // seconds since 1970; 0: never
    // Only inspect() fills these three.
    int restart_count = 0;
    std::string error;                      // the runtime's own last message about this container
    std::chrono::seconds stop_timeout{10};  // as it was created with
};

struct RuntimeInfo {
    std::string name;     // "podman"
    std::string version;  // "4.3.1"
    std::string architecture;
    std::string operating_system;
    std::string kernel;
    bool rootless = false;
};

struct LogRequest {
    std::size_t lines = 200;                 // the last so many
    std::int64_t since = 0;                  // seconds since 1970; 0: from the beginning
    std::size_t max_bytes = 256 * 1024;      // the oldest lines go first
    std::size_t max_line_bytes = 64 * 1024;  // of a longer line the beginning is kept
};

struct LogLine {
    std::string stream;     // stdout or stderr
    std::string text;       // without the line end
    std::size_t bytes = 0;  // of the whole line, of which text may be the beginning
};

// How far a log has been read: so many entries of that second, and everything before it. An entry is what was
// written at once: a line, or a piece of a long one.
struct LogPosition {
    std::int64_t second = 0;  // since 1970; 0: nothing has been read
    std::size_t entries = 0;

    bool operator==(const LogPosition&) const = default;
};

struct LogTail {
    std::vector<LogLine> lines;  // oldest first
    bool truncated = false;      // max_bytes or max_line_bytes cut it
    LogPosition position = {};   // of the log's end, for follow_logs()
};

// `position` is where the log stands after this line. Returns false to end the stream.
using LogHandler = std::function<bool(LogLine line, const LogPosition& position)>;

struct ExecSpec {
    std::vector<std::string> argv;              // at least one
    std::chrono::milliseconds timeout{25'000};  // then it is killed, with everything it started
    std::size_t max_stream_bytes = 256 * 1024;  // of each stream the beginning is kept
};

struct ExecOutcome {
    int exit_code = 0;  // 126 and 127, with podman's words in standard_error: it could not be started
    std::string standard_output;
    std::string standard_error;
    bool truncated = false;
};

struct RuntimeEvent {
    std::string container_id;
    std::string container_name;
    std::string action;  // podman's word: create, start, died, stop, remove, ...
    Labels attributes;   // labels and, for died, containerExitCode
    std::int64_t at_nanoseconds = 0;
};

struct EventFilter {
    std::string label = {};  // name=value; empty: every container
};

using PullProgress = std::function<void(std::string_view line)>;
// Returns false to end the stream.
using EventHandler = std::function<bool(const RuntimeEvent&)>;

// Every error carries podman's own message. Kinds: NotFound (container or image), Conflict (name or port in
// use, or the state forbids it), InvalidInput, PermissionDenied, Unavailable (socket missing or refused, or a
// registry that can't be reached), Timeout, Cancelled, Internal (anything else podman answers with 500).
// Thread-safe. Containers are named by id or name.
class ContainerRuntime {
 public:
    virtual ~ContainerRuntime() = default;

    [[nodiscard]] virtual Result<RuntimeInfo> info() = 0;
    // All containers, running or not, that carry every label. An empty value matches any value of that label.
    [[nodiscard]] virtual Result<std::vector<Container>> list(const Labels& labels) = 0;
    [[nodiscard]] virtual Result<Container> inspect(const std::string& container) = 0;
    // Does not start it and does not pull. Returns the id. Its log is kept in a file of at most 10 MiB, which
    // starts over when it is full.
    [[nodiscard]] virtual Result<std::string> create(const ContainerSpec& spec) = 0;
    // Already running is success.
    [[nodiscard]] virtual Result<void> start(const std::string& container) = 0;
    // The container's stop signal, then SIGKILL after `grace`. Not running is success.
    [[nodiscard]] virtual Result<void> stop(const std::string& container, std::chrono::seconds grace) = 0;
    // Kills it first if it runs. NotFound where it is gone already.
    [[nodiscard]] virtual Result<void> remove(const std::string& container) = 0;
    // The exit code once it has ended; Timeout leaves it running.
    [[nodiscard]] virtual Result<int> wait(const std::string& container, std::chrono::milliseconds timeout,
                                           std::stop_token stop) = 0;
    [[nodiscard]] virtual Result<bool> image_exists(const std::string& image) = 0;
    // Returns the image's id. NotFound: the registry has no such image. PermissionDenied: it refuses the
    // credentials. Corrupt: what answers is no registry. Unavailable. Ends with the pull or the token, or
    // after six hours without a word from podman.
    [[nodiscard]] virtual Result<std::string> pull(const std::string& image, const PullProgress& progress,
                                                   std::stop_token stop) = 0;
    [[nodiscard]] virtual Result<LogTail> logs(const std::string& container, const LogRequest& request) = 0;
    // Blocks, telling each line after `from` as it is written, until the container ends, the handler or the
    // token ends it (success), or the connection breaks (Unavailable). A line longer than max_line_bytes is
    // told when it is complete; no more than that is kept of it.
    [[nodiscard]] virtual Result<void> follow_logs(const std::string& container, const LogPosition& from,
                                                   std::size_t max_line_bytes, const LogHandler& on_line,
                                                   std::stop_token stop) = 0;
    // Runs a program in a running container and waits for its end. Timeout and Cancelled: it was killed, and
    // the message says so where some of it could not be. Conflict: the container does not run. What has
    // detached itself from the program before it is killed (a session of its own, its parent gone) lives on.
    [[nodiscard]] virtual Result<ExecOutcome> exec(const std::string& container, const ExecSpec& spec,
                                                   std::stop_token stop) = 0;
    // Blocks, telling events from now on, until the handler or the token ends it (success) or the connection
    // breaks (Unavailable). A hint, never the truth: list again after a break.
    [[nodiscard]] virtual Result<void> events(const EventFilter& filter, const EventHandler& on_event,
                                              std::stop_token stop) = 0;
};

struct PodmanOptions {
    std::string socket_path;                            // such as /run/podman/podman.sock
    std::chrono::milliseconds request_timeout{30'000};  // for each call except wait, pull and events
    // Asked before each pull, so that changed credentials need no restart. Unset: none are sent.
    std::function<Result<RegistryAuths>()> registry_auths = {};
    // "host[:port]" of registries that may speak plain HTTP or show any certificate. Those on loopback always
    // may.
    std::vector<std::string> insecure_registries = {};
};

// Does not connect: a socket that is missing shows as Unavailable in each call, and is retried by the next.
[[nodiscard]] std::unique_ptr<ContainerRuntime> make_podman_runtime(PodmanOptions options);

}  // namespace harmony::runtime::podman
