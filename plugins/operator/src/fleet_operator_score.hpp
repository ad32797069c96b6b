// FleetOperatorScore: the daemon that turns Deployments into each device's desired state.
#pragma once

#include <harmony/capability/process_host.hpp>
#include <harmony/capability/secret_store.hpp>
#include <harmony/capability/service_directory.hpp>
#include <harmony/plugin/score.hpp>
#include <optional>
#include <string>
#include <vector>

namespace harmony::fleet_operator {

enum class LogLevel { Debug, Info, Warning, Error };
inline plugin::EnumNames<LogLevel> enum_names(LogLevel) {
    return {{LogLevel::Debug, "debug"},
            {LogLevel::Info, "info"},
            {LogLevel::Warning, "warning"},
            {LogLevel::Error, "error"}};
}

struct OperatorParameters {
    std::string nats_url;
    std::string name_space = "fleet-system";
    std::optional<std::string> from_tag;
    int heartbeat_interval_s = 30;
    int heartbeat_stale_after_s = 90;
    int health_port = 0;
    LogLevel log_level = LogLevel::Info;

    static auto fields() {
        using plugin::field;
        using Self = OperatorParameters;
        return plugin::fields(
            field("nats_url", &Self::nats_url, "The NATS server; empty takes the context's own")
                .pattern("^$|^(nats|tls)://[^ ,]+$"),
            field("namespace", &Self::name_space, "Whose Deployments it serves")
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
            field("log_level", &Self::log_level, "How much it logs"));
    }
};

class FleetOperatorScore final : public plugin::Score<OperatorParameters, plugin::ProcessHost,
                                                      plugin::ServiceDirectory, plugin::SecretStore> {
 public:
    static inline const plugin::ScoreInfo info{
        .name = "FleetOperatorScore",
        .summary = "The fleet's operator: Deployments become each device's desired state",
        .after = {"FleetNatsScore"}};

    plugin::Result<void> validate(Run& run) override;
    plugin::Result<std::vector<plugin::Object>> read(Run& run) override;
    plugin::Result<plugin::Plan> plan(Run& run, const plugin::PlanRequest& request) override;
    plugin::Result<std::vector<plugin::Object>> apply(Run& run, const plugin::Step& step) override;
    plugin::Result<std::vector<plugin::Check>> verify(Run& run) override;
    plugin::Result<std::vector<plugin::Object>> destroy(Run& run, const plugin::Step& step) override;
};

}  // namespace harmony::fleet_operator
