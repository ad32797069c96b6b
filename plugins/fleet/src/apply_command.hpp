// `harmony fleet apply`: creates or changes Deployments from a file.
#pragma once

#include "fleet_session.hpp"

namespace harmony::fleet {

class ApplyCommand final : public FleetCommand {
 public:
    static const plugin::CommandInfo info;

    plugin::Result<plugin::CommandResult> run(Run& run) override;
};

}  // namespace harmony::fleet
