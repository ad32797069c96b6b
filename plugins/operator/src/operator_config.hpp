// The files that harmony-fleet-operator reads.
#pragma once

#include <string>

namespace harmony::fleet_operator {

// Where the resources are, and what the operator needs for it.
struct ClusterStore {
    std::string write_devices = "true";
    std::string lease{};
};

// Numbers and truth values are texts as TOML writes them: some are known only to whoever fills in a template.
struct OperatorSettings {
    std::string name_space{};
    std::string nats_url{};
    std::string heartbeat_interval_s = "30";
    std::string heartbeat_stale_after_s = "90";
    std::string log_level{};
    // By default placeholders of process-host/1.
    std::string credentials_folder = "@{config}";
    std::string state_folder = "@{data}";
    std::string health_port = "@{port:health}";
    std::string health_address{};         // empty: this machine only
    const ClusterStore* store = nullptr;  // null: SQLite in the state folder
};

inline constexpr const char* kConfigFile = "operator.toml";
inline constexpr const char* kCredentialsFile = "credentials.toml";

[[nodiscard]] std::string operator_config(const OperatorSettings& settings);

}  // namespace harmony::fleet_operator
