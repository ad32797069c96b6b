// Answers the commands that people send to this device.
#pragma once

#include <optional>
#include <string>

#include "harmony/agent/clock.hpp"
#include "harmony/contracts/commands.hpp"
#include "harmony/daemon/metrics.hpp"
#include "harmony/nats/message.hpp"

namespace harmony::agent {

// Not thread-safe: it belongs to the control thread. A new verb is a member function and a line in the table
// of commands.cpp.
class CommandDispatcher {
 public:
    CommandDispatcher(contracts::DeviceId device, std::string agent_version, const Clock& clock,
                      runtime::daemon::MetricsRegistry& metrics);

    // The answer's payload: the reply, or the document of an error. Nothing where nobody waits: no reply
    // subject, or a deadline that has passed.
    [[nodiscard]] std::optional<std::string> answer(const runtime::nats::Message& message);

 private:
    using Handler = Result<std::string> (CommandDispatcher::*)(const runtime::nats::Message&);
    struct Verb {
        contracts::CommandVerb verb;
        Handler handler;
    };
    static const Verb kVerbs[];

    [[nodiscard]] Result<std::string> dispatch(const runtime::nats::Message& message);
    [[nodiscard]] Result<std::string> ping(const runtime::nats::Message& message);

    contracts::DeviceId device_;
    std::string agent_version_;
    const Clock& clock_;
    SteadyTime started_;
    runtime::daemon::Counter& answered_;
    runtime::daemon::Counter& refused_;
    runtime::daemon::Counter& expired_;
};

}  // namespace harmony::agent
