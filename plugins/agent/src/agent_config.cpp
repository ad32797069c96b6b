#include "agent_config.hpp"

#include "harmony/fleet_access/toml_text.hpp"

namespace harmony::fleet_agent {

using fleet_access::toml_string;

namespace {

std::string podman_table(const AgentSettings& settings) {
    std::string text = "\n[podman]\nsocket = " + toml_string(settings.podman_socket) + "\n";
    if (!settings.registry_auth_file.empty())
        text += "registry_auth_file = " + toml_string(settings.registry_auth_file) + "\n";
    if (settings.insecure_registries.empty()) return text;
    std::string list;
    for (const std::string& registry : settings.insecure_registries)
        list += (list.empty() ? "" : ", ") + toml_string(registry);
    return text + "insecure_registries = [" + list + "]\n";
}

}  // namespace

std::string agent_config(const AgentSettings& settings) {
    std::string text = "[agent]\n";
    text += "device_id = " + toml_string(settings.device_id) + "\n";
    text += std::string("runtime_enabled = ") + (settings.runtime_enabled ? "true" : "false") + "\n";
    text += "state_dir = " + toml_string(settings.place.state_folder) + "\n";
    if (!settings.place.health_address.empty())
        text += "health_address = " + toml_string(settings.place.health_address) + "\n";
    text += "health_port = " + settings.place.health_port + "\n";
    text += "heartbeat_interval_s = " + std::to_string(settings.heartbeat_interval_s) + "\n";
    text += "reconcile_interval_s = " + std::to_string(settings.reconcile_interval_s) + "\n";
    text += "log_level = " + toml_string(settings.log_level) + "\n";
    text += "\n[labels]\n";
    for (const auto& [key, value] : settings.labels)
        text += toml_string(key) + " = " + toml_string(value) + "\n";
    text += "\n[nats]\nurls = [" + toml_string(settings.nats_url) + "]\n";
    text += "\n[credentials]\ntype = \"toml-shared\"\nfile = " +
            toml_string(settings.place.config_folder + "/" + kCredentialsFile) + "\n";
    if (settings.runtime_enabled) text += podman_table(settings);
    if (settings.exec_host_enabled) text += "\n[exec]\nhost_enabled = true\n";
    return text;
}

}  // namespace harmony::fleet_agent
