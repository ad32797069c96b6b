// FleetOperatorScore: the daemon that turns Deployments into each device's desired state, as a process of one
// machine or as pods of a cluster.
#pragma once

#include <harmony/capability/kubernetes.hpp>
#include <harmony/capability/process_host.hpp>
#include <harmony/capability/secret_store.hpp>
#include <harmony/capability/service_directory.hpp>
#include <harmony/plugin/score.hpp>
#include <string>
#include <vector>

#include "operator_parameters.hpp"

namespace harmony::fleet_operator {

class FleetOperatorScore final
    : public plugin::Score<OperatorParameters, plugin::AnyOf<plugin::ProcessHost, plugin::Kubernetes>,
                           plugin::ServiceDirectory, plugin::SecretStore> {
 public:
    static inline const plugin::ScoreInfo info{
        .name = "FleetOperatorScore",
        .summary = "The fleet's operator: Deployments become each device's desired state",
        .after = {"FleetNatsScore"},
        .renders = {plugin::kHelmChart}};

    plugin::Result<void> validate(Run& run) override;
    plugin::Result<std::vector<plugin::Object>> read(Run& run) override;
    plugin::Result<plugin::Plan> plan(Run& run, const plugin::PlanRequest& request) override;
    plugin::Result<std::vector<plugin::Object>> apply(Run& run, const plugin::Step& step) override;
    plugin::Result<std::vector<plugin::Check>> verify(Run& run) override;
    plugin::Result<std::vector<plugin::Object>> destroy(Run& run, const plugin::Step& step) override;
    plugin::Result<std::vector<plugin::RenderedFile>> render(plugin::Call& call,
                                                             const OperatorParameters& parameters,
                                                             const plugin::RenderRequest& request) override;
};

}  // namespace harmony::fleet_operator
