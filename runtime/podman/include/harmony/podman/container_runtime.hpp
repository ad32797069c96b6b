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
    // Only inspect() fills these two.
    int restart_count = 0;
    std::string error;  // the runtime's own last message about this container
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
    std::size_t lines = 200;             // the last so many
    std::int64_t since = 0;              // seconds since 1970; 0: from the beginning
    std::size_t max_bytes = 256 * 1024;  // the oldest lines go first
};

struct LogLine {
    std::string stream;  // stdout or stderr
    std::string text;    // without the line end
};

struct LogTail {
    std::vector<LogLine> lines;  // oldest first
    bool truncated = false;      // max_bytes cut it
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
    // Returns the image's id. NotFound: the registry has no such image. Ends only with the pull or the token.
    [[nodiscard]] virtual Result<std::string> pull(const std::string& image, const PullProgress& progress,
                                                   std::stop_token stop) = 0;
    [[nodiscard]] virtual Result<LogTail> logs(const std::string& container, const LogRequest& request) = 0;
    // Blocks, telling events from now on, until the handler or the token ends it (success) or the connection
    // breaks (Unavailable). A hint, never the truth: list again after a break.
    [[nodiscard]] virtual Result<void> events(const EventFilter& filter, const EventHandler& on_event,
                                              std::stop_token stop) = 0;
};

struct PodmanOptions {
    std::string socket_path;                            // such as /run/podman/podman.sock
    std::chrono::milliseconds request_timeout{30'000};  // for each call except wait, pull and events
};

// Does not connect: a socket that is missing shows as Unavailable in each call, and is retried by the next.
[[nodiscard]] std::unique_ptr<ContainerRuntime> make_podman_runtime(PodmanOptions options);

}  // namespace harmony::runtime::podman
