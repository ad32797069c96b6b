// `harmony fleet exec`: runs a command on one device.
#pragma once

#include "fleet_session.hpp"

namespace harmony::fleet {

class ExecCommand final : public FleetCommand {
 public:
    static const plugin::CommandInfo info;

    plugin::Result<plugin::CommandResult> run(Run& run) override;
};

}  // namespace harmony::fleet
