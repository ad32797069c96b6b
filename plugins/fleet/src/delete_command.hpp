// `harmony fleet delete`: deletes Deployments.
#pragma once

#include "fleet_session.hpp"

namespace harmony::fleet {

class DeleteCommand final : public FleetCommand {
 public:
    static const plugin::CommandInfo info;

    plugin::Result<plugin::CommandResult> run(Run& run) override;
};

}  // namespace harmony::fleet
