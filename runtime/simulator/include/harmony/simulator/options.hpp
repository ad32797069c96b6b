// What a simulation is told, from the command line and from a TOML file.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "harmony/daemon/credentials_file.hpp"
#include "harmony/result.hpp"
#include "harmony/simulator/duration_distribution.hpp"
#include "harmony/simulator/label_pattern.hpp"

namespace harmony::simulator {

inline constexpr std::uint32_t kMaxDevices = 1'000'000;
inline constexpr std::uint32_t kMaxConnections = 10'000;  // half of what a process may usually open

enum class Subscriptions {
    PerDevice,  // two for each device, as real agents have: the server's cost is the real one
    Shared,     // two for all: cheaper for the server than any real fleet; nobody looks offline
};

struct SimulatorOptions {
    std::uint32_t devices = 100;
    std::string prefix = "sim";  // devices are <prefix>-0, <prefix>-1, ...
    std::map<std::string, LabelPattern> labels;
    DurationDistribution react;  // from a hint to the read that follows it
    DurationDistribution run;    // from the start of a deployment's work to Running or Failed
    DurationDistribution away;   // how long a device that leaves is gone
    double failures = 0;         // share of (device, score) pairs that fail
    std::string failures_of;     // only scores whose bytes contain this; empty: all
    double churn_per_minute = 0;
    Microseconds heartbeat_interval{std::chrono::seconds(30)};
    Microseconds resync_interval{std::chrono::seconds(300)};  // looked at with each heartbeat
    double join_per_second = 5'000;
    std::uint32_t connections = 4;
    Subscriptions subscriptions = Subscriptions::PerDevice;
    std::uint64_t seed = 1;
    Microseconds duration{0};  // 0: until a signal
    std::vector<std::string> urls;
    runtime::daemon::UserPassword credentials;
    std::string report;  // file; empty: none
    bool quiet = false;  // no live figures

    SimulatorOptions();
};

struct CommandLine {
    enum class Wish { Run, Check, Help, Version };
    Wish wish = Wish::Run;
    SimulatorOptions options;
};

// The file named by --config first, then what else the command line says. InvalidInput with every problem of
// the file, or the first of the command line; PermissionDenied where a file with secrets may be read by
// others. Uses getopt's global state.
[[nodiscard]] Result<CommandLine> read_command_line(int count, char** values);
[[nodiscard]] std::string usage();

}  // namespace harmony::simulator
