// The score type PodmanV0: containers that podman runs on a device.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/contracts/desired_state.hpp"
#include "harmony/result.hpp"

namespace harmony::contracts {

inline constexpr std::string_view kPodmanV0Type = "PodmanV0";

inline constexpr std::size_t kMaxServices = 64;
inline constexpr std::size_t kMaxInitContainers = 32;
inline constexpr std::size_t kMaxContainerArgs = 512;
inline constexpr std::size_t kMaxContainerEnv = 512;
inline constexpr std::size_t kMaxContainerPorts = 128;
inline constexpr std::size_t kMaxContainerVolumes = 128;
inline constexpr std::size_t kMaxImageBytes = 512;
inline constexpr std::chrono::seconds kDefaultInitTimeout{300};
inline constexpr std::chrono::seconds kMaxInitTimeout{24 * 3600};
inline constexpr std::chrono::seconds kDefaultGracePeriod{30};
inline constexpr std::chrono::seconds kMaxGracePeriod{3600};
inline constexpr std::string_view kDefaultStopSignal = "SIGTERM";

// Labels on every container that a device runs for the fleet.
inline constexpr std::string_view kManagedByLabel = "io.nationtech.harmony/managed-by";
inline constexpr std::string_view kManagedByAgent = "harmony-fleet-agent";  // the value of kManagedByLabel
inline constexpr std::string_view kDeviceLabel = "io.nationtech.harmony/device";
inline constexpr std::string_view kDeploymentLabel = "io.nationtech.harmony/deployment";
inline constexpr std::string_view kServiceLabel = "io.nationtech.harmony/service";
inline constexpr std::string_view kSpecHashLabel = "io.nationtech.harmony/spec-hash";
inline constexpr std::string_view kInitLabel =
    "io.nationtech.harmony/init";  // "true" on an init container only

enum class RestartPolicy { Always, OnFailure, No };
[[nodiscard]] std::string_view to_string(RestartPolicy policy);  // "always", "on-failure", "no"

enum class PortProtocol { Tcp, Udp };
[[nodiscard]] std::string_view to_string(PortProtocol protocol);

// "[<ip>:]<host port>:<container port>[/tcp|/udp]"; an IPv6 address stands in brackets.
struct PortMapping {
    std::string host_ip;  // without brackets; empty: every address
    std::uint16_t host_port = 0;
    std::uint16_t container_port = 0;
    PortProtocol protocol = PortProtocol::Tcp;

    [[nodiscard]] static Result<PortMapping> parse(std::string_view text);
    [[nodiscard]] std::string format() const;  // always with the protocol

    // Whether both would need the same host port.
    [[nodiscard]] bool overlaps(const PortMapping& other) const;

    bool operator==(const PortMapping&) const = default;
};

// "<host path>:<container path>[:ro|:rw]": a bind mount, both paths absolute and without "..".
struct VolumeMount {
    std::string host_path;
    std::string container_path;
    bool read_only = false;

    [[nodiscard]] static Result<VolumeMount> parse(std::string_view text);
    [[nodiscard]] std::string format() const;  // says ro, leaves rw out

    bool operator==(const VolumeMount&) const = default;
};

struct PodmanService {
    std::string name;  // a DNS label, once per score
    std::string image;
    std::vector<std::string> args;
    std::map<std::string, std::string> env;
    std::vector<PortMapping> ports;
    std::vector<VolumeMount> volumes;
    RestartPolicy restart_policy = RestartPolicy::Always;

    bool operator==(const PodmanService&) const = default;
};

// Runs to completion, in order, before any service.
struct PodmanInitContainer {
    std::string name;
    std::string image;
    std::vector<std::string> args;
    std::map<std::string, std::string> env;
    std::vector<VolumeMount> volumes;
    std::chrono::seconds timeout = kDefaultInitTimeout;

    bool operator==(const PodmanInitContainer&) const = default;
};

struct PodmanLifecycle {
    std::string stop_signal{kDefaultStopSignal};
    std::chrono::seconds grace_period = kDefaultGracePeriod;

    bool operator==(const PodmanLifecycle&) const = default;
};

struct PodmanV0 {
    std::vector<PodmanService> services;  // at least one
    std::vector<PodmanInitContainer> init_containers;
    PodmanLifecycle lifecycle;

    // The score's data. Complete: names, images, ports, volumes, env, duplicates and host-port clashes are
    // all checked. `path` begins every field path in an error's message ("spec.score.data").
    [[nodiscard]] static Result<PodmanV0> decode(std::string_view json, std::string_view path = "");
    // InvalidInput when the score is of another type.
    [[nodiscard]] static Result<PodmanV0> from_score(const Score& score);
    [[nodiscard]] std::string encode() const;
    [[nodiscard]] Score to_score() const;

    bool operator==(const PodmanV0&) const = default;
};

// Refuses a type this contract does not know, and data that its type refuses.
[[nodiscard]] Result<void> check_score(const Score& score, std::string_view path = "");

}  // namespace harmony::contracts
