// `harmony fleet deployments`: what is deployed and how far it is.
#pragma once

#include "fleet_session.hpp"

namespace harmony::fleet {

class DeploymentsCommand final : public FleetCommand {
 public:
    static const plugin::CommandInfo info;

    plugin::Result<plugin::CommandResult> run(Run& run) override;
};

}  // namespace harmony::fleet
