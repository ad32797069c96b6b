// `harmony fleet ping`: asks agents whether they are there.
#pragma once

#include "fleet_session.hpp"

namespace harmony::fleet {

class PingCommand final : public FleetCommand {
 public:
    static const plugin::CommandInfo info;

    plugin::Result<plugin::CommandResult> run(Run& run) override;
};

}  // namespace harmony::fleet
