// The agent's threads: one that follows desired state and reconciles, one that answers commands and sends
// heartbeats, one that listens to podman, and a short-lived one for each deployment at work.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "harmony/agent/clock.hpp"
#include "harmony/agent/config.hpp"
#include "harmony/agent/reconciler.hpp"
#include "harmony/daemon/health.hpp"
#include "harmony/daemon/metrics.hpp"
#include "harmony/nats/connection.hpp"
#include "harmony/result.hpp"

namespace harmony::agent {

struct AgentParts {
    std::unique_ptr<runtime::nats::NatsConnection> connection;
    RuntimeFactory runtimes;
    std::shared_ptr<const Clock> clock;
};

// NATS and podman as the configuration names them.
[[nodiscard]] AgentParts make_agent_parts(const AgentConfig& config);

class Agent {
 public:
    virtual ~Agent() = default;  // stops, and waits for workers without a limit

    // Ends the threads and the connection; containers go on running. False: a worker is still in a call to
    // podman after `patience`, and the process may be ended all the same: the next start goes on from what
    // podman shows.
    [[nodiscard]] virtual bool stop(std::chrono::milliseconds patience) = 0;
};

// Starts without a broker and without podman, and goes on trying both. The two registries must outlive the
// agent. Fails where the state directory can't be used or an option is wrong.
[[nodiscard]] Result<std::unique_ptr<Agent>> start_agent(const AgentConfig& config, std::string version,
                                                         AgentParts parts,
                                                         runtime::daemon::HealthRegistry& health,
                                                         runtime::daemon::MetricsRegistry& metrics);

}  // namespace harmony::agent
