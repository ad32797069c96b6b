// `harmony fleet pause` and `harmony fleet resume`: stop a rollout where it is, and let it go on.
#pragma once

#include "fleet_session.hpp"

namespace harmony::fleet {

class PauseCommand final : public FleetCommand {
 public:
    static const plugin::CommandInfo info;

    plugin::Result<plugin::CommandResult> run(Run& run) override;
};

class ResumeCommand final : public FleetCommand {
 public:
    static const plugin::CommandInfo info;

    plugin::Result<plugin::CommandResult> run(Run& run) override;
};

}  // namespace harmony::fleet
