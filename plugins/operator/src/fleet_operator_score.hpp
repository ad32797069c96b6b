// FleetOperatorScore: the daemon that turns Deployments into each device's desired state, as a process of one
// machine or as pods of a cluster.
#pragma once

#include <harmony/capability/secret_store.hpp>
#include <harmony/capability/service_directory.hpp>
#include <string>
#include <vector>

#include "harmony/fleet_access/fleet_score.hpp"
#include "operator_parameters.hpp"

namespace harmony::fleet_operator {

class FleetOperatorScore final
    : public fleet_access::FleetScore<OperatorParameters, plugin::ServiceDirectory, plugin::SecretStore> {
 public:
    static inline const plugin::ScoreInfo info{
        .name = "FleetOperatorScore",
        .summary = "The fleet's operator: Deployments become each device's desired state",
        .after = {"FleetNatsScore"},
        .overlaps = true,
        .renders = {plugin::kHelmChart}};

    plugin::Result<void> validate(Run& run) override;
    plugin::Result<std::vector<plugin::RenderedFile>> render(plugin::Call& call,
                                                             const OperatorParameters& parameters,
                                                             const plugin::RenderRequest& request) override;

 private:
    [[nodiscard]] fleet_access::Verbs<Run> process_verbs() const override;
    [[nodiscard]] fleet_access::Verbs<Run> cluster_verbs() const override;
};

}  // namespace harmony::fleet_operator
