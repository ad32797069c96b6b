#include "harmony/fleet_access/daemon_steps.hpp"

#include <algorithm>

namespace harmony::fleet_access {

using plugin::failure;
using plugin::Step;

namespace {

constexpr const char* kDaemonKind = "daemon";
constexpr const char* kPortInUse = "process-host.port-in-use";

// What an earlier removal has left, where the topology can tell.
plugin::Result<std::optional<Step>> kept_data_removal(plugin::ProcessHost& host, const std::string& name,
                                                      const std::string& data) {
    const auto kept = host.kept_data();
    if (!kept && kept.error().code == "capability.unknown-method") return std::optional<Step>();
    if (!kept) return failure(kept.error());
    if (std::find(kept->begin(), kept->end(), name) == kept->end()) return std::optional<Step>();
    return Step{.id = daemon_step_id(name),
                .action = plugin::Action::Delete,
                .object = {.kind = "data", .name = name},
                .summary = "delete " + data + ", which an earlier run has kept",
                .destructive = true};
}

}  // namespace

plugin::Object daemon_object(const plugin::Daemon& daemon) {
    std::string state;
    for (const auto& [value, name] : plugin::enum_names(plugin::DaemonState{})) {
        if (value == daemon.state) state = name;
    }
    return {.kind = kDaemonKind,
            .name = daemon.name,
            .id = daemon.pid == 0 ? "" : std::to_string(daemon.pid),
            .detail = state};
}

std::string daemon_step_id(const std::string& name) {
    return "daemon " + name;
}

plugin::Result<std::optional<Step>> daemon_step(plugin::ProcessHost& host, const plugin::DaemonSpec& spec,
                                                const std::string& port_parameter) {
    auto plan = host.plan(spec);
    if (!plan) {
        if (plan.error().code == kPortInUse && !port_parameter.empty()) {
            plan.error().path = port_parameter;
            plan.error().status = HP_E_INVALID;
        }
        return failure(std::move(plan.error()));
    }
    const auto action = plugin::step_action(plan->action);
    if (!action) return std::optional<Step>();
    return Step{.id = daemon_step_id(spec.name),
                .action = *action,
                .object = {.kind = kDaemonKind, .name = spec.name},
                .diff = std::move(plan->diff)};
}

plugin::Result<std::optional<Step>> daemon_removal(plugin::ProcessHost& host, const std::string& name,
                                                   bool delete_data, const std::string& data) {
    auto daemon = host.inspect(name);
    if (!daemon) return failure(std::move(daemon.error()));
    if (!*daemon) {
        if (!delete_data) return std::optional<Step>();
        return kept_data_removal(host, name, data);
    }
    return Step{.id = daemon_step_id(name),
                .action = plugin::Action::Delete,
                .object = {.kind = kDaemonKind, .name = name},
                .summary = delete_data ? "stop " + name + " and delete " + data
                                       : "stop " + name + " and keep " + data,
                .destructive = delete_data};
}

}  // namespace harmony::fleet_access
