// The files that harmony-fleet-agent reads.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace harmony::fleet_agent {

// Where an agent has its files and its pages. By default the placeholders of process-host/1.
struct AgentPlace {
    std::string config_folder = "@{config}";
    std::string state_folder = "@{data}";
    std::string health_address{};  // empty: the agent's default
    std::string health_port = "@{port:health}";
};

struct AgentSettings {
    std::string device_id;
    std::map<std::string, std::string> labels;
    bool runtime_enabled = true;
    int heartbeat_interval_s = 30;
    int reconcile_interval_s = 30;
    std::string log_level;
    std::string nats_url;
    // Without effect where the runtime is not enabled.
    std::string podman_socket{};
    std::string registry_auth_file{};  // empty: none
    std::vector<std::string> insecure_registries{};
    bool exec_host_enabled = false;
    AgentPlace place{};
};

inline constexpr const char* kConfigFile = "agent.toml";
inline constexpr const char* kCredentialsFile = "credentials.toml";

[[nodiscard]] std::string agent_config(const AgentSettings& settings);

}  // namespace harmony::fleet_agent
