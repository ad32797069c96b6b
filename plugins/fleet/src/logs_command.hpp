// `harmony fleet logs`: a deployment's last lines on one device, and those that follow.
#pragma once

#include "fleet_session.hpp"

namespace harmony::fleet {

class LogsCommand final : public FleetCommand {
 public:
    static const plugin::CommandInfo info;

    plugin::Result<plugin::CommandResult> run(Run& run) override;
};

}  // namespace harmony::fleet
