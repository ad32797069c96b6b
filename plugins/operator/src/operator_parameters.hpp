// The parameters of FleetOperatorScore.
#pragma once

#include <harmony/plugin/fields.hpp>
#include <optional>
#include <string>

#include "harmony/fleet_access/image_parameters.hpp"

namespace harmony::fleet_operator {

enum class LogLevel { Debug, Info, Warning, Error };
inline plugin::EnumNames<LogLevel> enum_names(LogLevel) {
    return {{LogLevel::Debug, "debug"},
            {LogLevel::Info, "info"},
            {LogLevel::Warning, "warning"},
            {LogLevel::Error, "error"}};
}
[[nodiscard]] std::string log_level_name(LogLevel level);

inline constexpr const char* kQuantityPattern = "^[0-9]+(\\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi)?$";

struct OperatorParameters {
    std::string nats_url;
    std::string name_space = "fleet-system";
    std::optional<std::string> from_tag;
    int heartbeat_interval_s = 30;
    int heartbeat_stale_after_s = 90;
    int health_port = 0;
    LogLevel log_level = LogLevel::Info;
    std::string image_registry{};
    std::string image_tag{};
    std::string image{};
    std::string image_pull_secret{};
    int replicas = 1;
    bool device_resources = true;
    std::string cpu_request = "50m";
    std::string memory_request = "64Mi";
    std::string memory_limit = "1Gi";
    int rollout_timeout_s = 120;

    static auto fields() {
        using plugin::field;
        using Self = OperatorParameters;
        return plugin::fields(
            field("nats_url", &Self::nats_url, "The NATS server; empty takes the context's own")
                .pattern("^$|^(nats|tls)://[^ ,]+$"),
            field("namespace", &Self::name_space,
                  "Whose Deployments it serves; on a cluster also where its objects go")
                .flag("namespace")
                .pattern("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"),
            field("from_tag", &Self::from_tag, "The release to deploy: harmony-fleet-operator-vX.Y.Z")
                .flag("from-tag"),
            field("heartbeat_interval_s", &Self::heartbeat_interval_s, "How often agents report, in seconds")
                .range(1, 3600),
            field("heartbeat_stale_after_s", &Self::heartbeat_stale_after_s,
                  "After how many silent seconds a device is offline; at least two intervals")
                .range(2, 24 * 3600),
            field("health_port", &Self::health_port,
                  "Where /healthz, /readyz and /metrics answer, on this machine only; 0 chooses a free port")
                .range(0, 65535),
            field("log_level", &Self::log_level, "How much it logs"),
            field("image_registry", &Self::image_registry,
                  "On a cluster: where the image harmony-fleet-operator comes from; empty: localhost/harmony")
                .pattern(fleet_access::kImagePattern),
            field("image_tag", &Self::image_tag,
                  "On a cluster: its tag; empty: that of from_tag, or of this version")
                .pattern(fleet_access::kImageTagPattern),
            field("image", &Self::image,
                  "On a cluster: the whole reference of the image, instead of registry and tag")
                .pattern(fleet_access::kImagePattern),
            field("image_pull_secret", &Self::image_pull_secret,
                  "On a cluster: a Secret of the namespace with credentials for the registry; empty: none")
                .pattern("^$|^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"),
            field("replicas", &Self::replicas, "On a cluster: its pods; one leads, a second one stands by")
                .range(1, 2),
            field("device_resources", &Self::device_resources,
                  "On a cluster: whether there is a Device resource for each device"),
            field("cpu_request", &Self::cpu_request, "On a cluster: the processor time kept for a pod")
                .pattern(kQuantityPattern),
            field("memory_request", &Self::memory_request, "On a cluster: the memory kept for a pod")
                .pattern(kQuantityPattern),
            field("memory_limit", &Self::memory_limit, "On a cluster: the most memory that a pod may take")
                .pattern(kQuantityPattern),
            field("rollout_timeout_s", &Self::rollout_timeout_s,
                  "On a cluster: how long its pods may take to become ready, in seconds")
                .range(1, 3600));
    }
};

}  // namespace harmony::fleet_operator
