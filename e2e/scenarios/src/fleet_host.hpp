// What runs a scenario's fleet: processes of this machine, or pods of a cluster. The Scores are the same;
// what differs is where they go and how a program is stopped, started and killed. Programs have the same
// names on both.
#pragma once

#include <chrono>
#include <harmony/plugin/scenario.hpp>
#include <string>
#include <string_view>

namespace harmony::fleet_e2e {

using plugin::Json;
using plugin::Result;

inline constexpr const char* kBrokerDaemon = "fleet-nats";
inline constexpr const char* kOperatorDaemon = "fleet-operator";
inline constexpr const char* kAgentDaemonPrefix = "fleet-agent-";

// One life of a program: another id is another life.
struct Instance {
    std::string id;  // empty: none runs
    bool ready = false;
};

class FleetHost {
 public:
    virtual ~FleetHost() = default;

    // Before the first Score.
    virtual Result<void> prepare() = 0;
    // The settings of a Score, with what it needs to know of this host.
    virtual Json settings_of(std::string_view score, Json settings) = 0;
    // How long a program may take to be back, or a change to get around, on a machine that has more to do.
    [[nodiscard]] virtual std::chrono::milliseconds patience() const = 0;

    virtual Result<Instance> instance(const std::string& program) = 0;
    // Returns when it is gone; it stays away.
    virtual Result<void> stop(const std::string& program) = 0;
    // One that was stopped. Returns when it is ready.
    virtual Result<void> start(const std::string& program) = 0;
    // Returns when it is told to end, at once; another instance comes by itself.
    virtual Result<void> kill(const std::string& program) = 0;

    // A second operator with the same resources, beside the first.
    virtual Result<void> add_operator() = 0;
    virtual Result<void> remove_second_operator() = 0;
};

}  // namespace harmony::fleet_e2e
