#include "fleet_operator_score.hpp"

#include "chart.hpp"
#include "on_kubernetes.hpp"
#include "on_processes.hpp"
#include "release_tag.hpp"

namespace harmony::fleet_operator {

using plugin::Result;

namespace {

// A process is the program of this installation; an image is whatever its registry has.
Result<void> check_tag(const FleetOperatorScore::Run& run) {
    const auto& parameters = run.params();
    if (!parameters.from_tag) return {};
    const auto version = version_of_tag(*parameters.from_tag);
    if (!version) return plugin::invalid_parameter("from_tag", version.error().text());
    // A chart is rendered where neither is offered.
    const bool processes = run.offers<plugin::ProcessHost>() && !FleetOperatorScore::on_cluster(run);
    if (processes && *version != HARMONY_VERSION) {
        return plugin::invalid_parameter(
            "from_tag",
            "found version " + *version + ", expected " HARMONY_VERSION ": the operator of this installation",
            "install the release " + *parameters.from_tag + ", or leave --from-tag out");
    }
    if (parameters.image_tag.empty() && parameters.image.empty()) return {};
    const std::string other = parameters.image.empty() ? "image_tag" : "image";
    return plugin::invalid_parameter(
        "from_tag", "found " + *parameters.from_tag + " beside " + other + "; expected one or the other");
}

}  // namespace

std::string log_level_name(LogLevel level) {
    for (const auto& [value, name] : enum_names(LogLevel{})) {
        if (value == level) return std::string(name);
    }
    return "info";
}

Result<void> FleetOperatorScore::validate(Run& run) {
    const auto& parameters = run.params();
    if (parameters.heartbeat_stale_after_s < 2 * parameters.heartbeat_interval_s) {
        return plugin::invalid_parameter(
            "heartbeat_stale_after_s",
            "found " + std::to_string(parameters.heartbeat_stale_after_s) + ", expected at least " +
                std::to_string(2 * parameters.heartbeat_interval_s) +
                ", two heartbeat intervals: one late heartbeat must not make a device offline");
    }
    if (auto checked = check_tag(run); !checked) return checked;
    return fleet_access::check_image({parameters.image_registry, parameters.image_tag, parameters.image});
}

fleet_access::Verbs<FleetOperatorScore::Run> FleetOperatorScore::process_verbs() const {
    return on_processes::verbs();
}

fleet_access::Verbs<FleetOperatorScore::Run> FleetOperatorScore::cluster_verbs() const {
    return on_kubernetes::verbs();
}

Result<std::vector<plugin::RenderedFile>> FleetOperatorScore::render(plugin::Call& call,
                                                                     const OperatorParameters& parameters,
                                                                     const plugin::RenderRequest&) {
    if (parameters.name_space != OperatorParameters{}.name_space)
        call.warn("a chart names no namespace: give " + parameters.name_space + " to helm install instead");
    return operator_chart(parameters);
}

}  // namespace harmony::fleet_operator
