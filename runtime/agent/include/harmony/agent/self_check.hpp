// What --check-config finds out beyond the configuration's own rules. Changes nothing, so it may run beside a
// running agent and be killed at any moment.
#pragma once

#include <string>
#include <vector>

#include "harmony/agent/config.hpp"

namespace harmony::agent {

enum class CheckGrade { Ok, Warning, Failed };

struct CheckLine {
    CheckGrade grade = CheckGrade::Ok;
    std::string subject;  // "state directory /var/lib/harmony/agent"
    std::string finding;  // "can be written"
};

// The state directory; the file of registry credentials, which fails the check although the agent would start
// without it; and podman's socket, which may come later and is therefore a warning at most. Takes as long as
// podman takes to answer, 3 s at most. The broker's credentials are part of read_agent_config().
[[nodiscard]] std::vector<CheckLine> self_check(const AgentConfig& config);

}  // namespace harmony::agent
