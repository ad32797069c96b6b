// The agent's configuration: one TOML file, every field checked before anything starts.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "harmony/contracts/labels.hpp"
#include "harmony/contracts/names.hpp"
#include "harmony/daemon/status_server.hpp"
#include "harmony/nats/connection.hpp"
#include "harmony/podman/container_runtime.hpp"
#include "harmony/result.hpp"

namespace harmony::agent {

inline constexpr const char* kDefaultConfigPath = "/etc/harmony/agent.toml";
inline constexpr const char* kConfigVariable = "FLEET_AGENT_CONFIG";
inline constexpr const char* kDefaultStateDirectory = "/var/lib/harmony/agent";
inline constexpr const char* kDefaultPodmanSocket = "/run/podman/podman.sock";

struct AgentConfig {
    contracts::DeviceId device_id;
    contracts::Labels labels;
    bool runtime_enabled = true;
    std::string state_dir;
    bool health_enabled = true;
    runtime::daemon::StatusAddress status_address;  // the port in use is in <state_dir>/health-port
    std::chrono::seconds heartbeat_interval{30};
    std::chrono::seconds reconcile_interval{30};  // how often containers are compared without a reason
    std::chrono::seconds resync_interval{300};    // how often desired state is read again without a reason
    std::string log_level;
    std::vector<std::string> nats_urls;
    runtime::nats::Credentials credentials;
    std::string podman_socket;
    bool exec_host_enabled = false;  // whether `exec` may run programs outside containers
    std::string registry_auth_file;  // empty: no credentials for registries
    std::vector<std::string> insecure_registries;
};

// InvalidInput names the file and every wrong field; NotFound, PermissionDenied and Io are about the file, or
// about the file of the broker's credentials it points to. That of the registries is not read: without it the
// device can be reached and runs the images it has.
[[nodiscard]] Result<AgentConfig> read_agent_config(const std::string& path);

// Whether the file of registry credentials, where there is one, can be used now. Reads it.
[[nodiscard]] Result<void> check_registry_auths(const AgentConfig& config);

// What a podman client of this agent is made with. The file of registry credentials is read at each pull.
[[nodiscard]] runtime::podman::PodmanOptions podman_options(const AgentConfig& config);

}  // namespace harmony::agent
