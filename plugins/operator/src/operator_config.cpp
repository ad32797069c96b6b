#include "operator_config.hpp"

#include "harmony/fleet_access/toml_text.hpp"

namespace harmony::fleet_operator {

using fleet_access::toml_string;

std::string operator_config(const OperatorSettings& settings) {
    std::string text = "[operator]\n";
    text += "namespace = " + toml_string(settings.name_space) + "\n";
    text += "state_dir = " + toml_string(settings.state_folder) + "\n";
    if (!settings.health_address.empty())
        text += "health_address = " + toml_string(settings.health_address) + "\n";
    text += "health_port = " + settings.health_port + "\n";
    text += "heartbeat_interval_s = " + settings.heartbeat_interval_s + "\n";
    text += "heartbeat_stale_after_s = " + settings.heartbeat_stale_after_s + "\n";
    text += "log_level = " + toml_string(settings.log_level) + "\n";
    text += "\n[nats]\nurls = [" + toml_string(settings.nats_url) + "]\n";
    text += "\n[credentials]\ntype = \"toml-shared\"\nfile = " +
            toml_string(settings.credentials_folder + "/" + kCredentialsFile) + "\n";
    if (settings.store == nullptr) return text;
    text += "\n[resources]\nstore = \"kubernetes\"\n";
    text += "\n[kubernetes]\ndevices = " + settings.store->write_devices + "\n";
    return text + "lease = " + toml_string(settings.store->lease) + "\n";
}

}  // namespace harmony::fleet_operator
