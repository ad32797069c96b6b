// FleetAgentScore: one agent per device, as daemons of one machine or as pods of a cluster.
#pragma once

#include <harmony/capability/container_runtime.hpp>
#include <harmony/capability/secret_store.hpp>
#include <harmony/capability/service_directory.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harmony/fleet_access/fleet_score.hpp"
#include "harmony/fleet_access/image_parameters.hpp"

namespace harmony::fleet_agent {

enum class LogLevel { Debug, Info, Warning, Error };
inline plugin::EnumNames<LogLevel> enum_names(LogLevel) {
    return {{LogLevel::Debug, "debug"},
            {LogLevel::Info, "info"},
            {LogLevel::Warning, "warning"},
            {LogLevel::Error, "error"}};
}

struct DeviceParameters {
    std::string id;
    std::map<std::string, std::string> labels{};

    static auto fields() {
        using plugin::field;
        using Self = DeviceParameters;
        return plugin::fields(field("id", &Self::id, "The device's name; FleetNatsScore.devices lists it too")
                                  .required()
                                  .pattern("^[a-z0-9]([a-z0-9-]{0,251}[a-z0-9])?$"),
                              field("labels", &Self::labels, "What Deployments select it by"));
    }
};

struct AgentParameters {
    std::vector<DeviceParameters> devices{{.id = "device-01"}};
    std::optional<bool> runtime_enabled{};
    int heartbeat_interval_s = 30;
    int reconcile_interval_s = 30;
    std::string registry_auth_file{};
    std::vector<std::string> insecure_registries{};
    bool exec_host_enabled = false;
    std::string nats_url{};
    LogLevel log_level = LogLevel::Info;
    std::string name_space = "fleet-system";
    std::string image_registry{};
    std::string image_tag{};
    std::string image{};
    std::string image_pull_secret{};
    int rollout_timeout_s = 120;

    static auto fields() {
        using plugin::field;
        using Self = AgentParameters;
        return plugin::fields(
            field("devices", &Self::devices, "The devices, each with an agent of its own")
                .min_items(1)
                .max_items(1000),
            field("runtime_enabled", &Self::runtime_enabled,
                  "Whether the agents run containers; without it they report and answer only. Default: true, "
                  "and "
                  "false on a cluster, where it can't be"),
            field("heartbeat_interval_s", &Self::heartbeat_interval_s, "How often they report, in seconds")
                .range(1, 3600),
            field("reconcile_interval_s", &Self::reconcile_interval_s,
                  "How often they compare their containers without a reason, in seconds")
                .range(1, 3600),
            field("registry_auth_file", &Self::registry_auth_file,
                  "A file on the device with credentials for image registries, in the format of "
                  "containers-auth.json, mode 0600; empty: none")
                .pattern("^$|^/.+$"),
            field("insecure_registries", &Self::insecure_registries,
                  "Registries, <host>[:<port>], that may speak plain HTTP or show any certificate")
                .max_items(64),
            field("exec_host_enabled", &Self::exec_host_enabled,
                  "Whether `harmony fleet exec --host` may run programs on the device itself, as the agent's "
                  "user"),
            field("nats_url", &Self::nats_url, "The NATS server; empty takes the context's own")
                .pattern("^$|^(nats|tls)://[^ ,]+$"),
            field("log_level", &Self::log_level, "How much they log"),
            field("namespace", &Self::name_space, "On a cluster: where its objects go")
                .flag("namespace")
                .pattern("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"),
            field("image_registry", &Self::image_registry,
                  "On a cluster: where the image harmony-fleet-agent comes from; empty: localhost/harmony")
                .pattern(fleet_access::kImagePattern),
            field("image_tag", &Self::image_tag, "On a cluster: its tag; empty: v and this version")
                .pattern(fleet_access::kImageTagPattern),
            field("image", &Self::image,
                  "On a cluster: the whole reference of an image whose entry point is harmony-fleet-agent, "
                  "instead of registry and tag")
                .pattern(fleet_access::kImagePattern),
            field("image_pull_secret", &Self::image_pull_secret,
                  "On a cluster: a Secret of the namespace with credentials for the registry; empty: none")
                .pattern("^$|^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"),
            field("rollout_timeout_s", &Self::rollout_timeout_s,
                  "On a cluster: how long the pods may take to become ready, in seconds")
                .range(1, 3600));
    }
};

// On the device itself.
[[nodiscard]] bool runtime_enabled(const AgentParameters& parameters);

class FleetAgentScore final
    : public fleet_access::FleetScore<AgentParameters, plugin::ServiceDirectory, plugin::SecretStore,
                                      plugin::Optional<plugin::ContainerRuntime>> {
 public:
    static inline const plugin::ScoreInfo info{
        .name = "FleetAgentScore",
        .summary = "The fleet's agents: each runs the containers that its device's desired state asks for",
        .after = {"FleetNatsScore", "FleetOperatorScore"},
        .overlaps = true};

    plugin::Result<void> validate(Run& run) override;

 private:
    [[nodiscard]] fleet_access::Verbs<Run> process_verbs() const override;
    [[nodiscard]] fleet_access::Verbs<Run> cluster_verbs() const override;
};

}  // namespace harmony::fleet_agent
