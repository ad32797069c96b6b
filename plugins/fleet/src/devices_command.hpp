// `harmony fleet devices`: the devices of the fleet.
#pragma once

#include "fleet_session.hpp"

namespace harmony::fleet {

class DevicesCommand final : public FleetCommand {
 public:
    static const plugin::CommandInfo info;

    plugin::Result<plugin::CommandResult> run(Run& run) override;
};

}  // namespace harmony::fleet
