// The files that harmony-fleet-operator reads.
#pragma once

#include <string>

namespace harmony::fleet_operator {

struct OperatorSettings {
    std::string name_space;
    std::string nats_url;
    int heartbeat_interval_s = 30;
    int heartbeat_stale_after_s = 90;
    std::string log_level;
};

inline constexpr const char* kConfigFile = "operator.toml";
inline constexpr const char* kCredentialsFile = "credentials.toml";

// Ports and folders are placeholders of process-host/1.
[[nodiscard]] std::string operator_config(const OperatorSettings& settings);

}  // namespace harmony::fleet_operator
