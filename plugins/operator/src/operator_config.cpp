#include "operator_config.hpp"

#include "harmony/fleet_access/toml_text.hpp"

namespace harmony::fleet_operator {

using fleet_access::toml_string;

std::string operator_config(const OperatorSettings& settings) {
    std::string text = "[operator]\n";
    text += "namespace = " + toml_string(settings.name_space) + "\n";
    text += "state_dir = \"@{data}\"\n";
    text += "health_port = @{port:health}\n";
    text += "heartbeat_interval_s = " + std::to_string(settings.heartbeat_interval_s) + "\n";
    text += "heartbeat_stale_after_s = " + std::to_string(settings.heartbeat_stale_after_s) + "\n";
    text += "log_level = " + toml_string(settings.log_level) + "\n";
    text += "\n[nats]\nurls = [" + toml_string(settings.nats_url) + "]\n";
    text += "\n[credentials]\ntype = \"toml-shared\"\nfile = \"@{config}/";
    text += kCredentialsFile;
    return text + "\"\n";
}

}  // namespace harmony::fleet_operator
