// Answers the commands that people send to this device.
#pragma once

#include <optional>
#include <string>

#include "harmony/agent/clock.hpp"
#include "harmony/contracts/commands.hpp"
#include "harmony/daemon/metrics.hpp"
#include "harmony/nats/message.hpp"

namespace harmony::agent {

// A command with its headers read, and somebody who waits for its reply.
struct CommandCall {
    contracts::CommandHeaders headers;
    std::string payload;
    std::string reply;     // the subject of every answer
    bool expired = false;  // its deadline had passed when it arrived
};

// Commands that take longer than a moment: each returns at once and answers later. An Error is answered by
// the caller, and then nothing else is.
class LongCommands {
 public:
    virtual ~LongCommands() = default;
    [[nodiscard]] virtual Result<void> logs(const CommandCall& call) = 0;
    // Told also of expired ones, for the audit log; those are never run and never answered.
    [[nodiscard]] virtual Result<void> exec(const CommandCall& call) = 0;
    // One that exec() has refused or was never asked for, for the audit log.
    virtual void exec_refused(const CommandCall& call, const Error& why) = 0;
};

// Not thread-safe: it belongs to the control thread. A new verb is a member function and a line in the table
// of commands.cpp.
class CommandDispatcher {
 public:
    CommandDispatcher(contracts::DeviceId device, std::string agent_version, const Clock& clock,
                      runtime::daemon::MetricsRegistry& metrics);

    // Without it, the verbs of LongCommands are not offered. It must outlive this.
    void offer(LongCommands& long_commands) { long_commands_ = &long_commands; }

    // Thread-safe for a ping, which reads only what never changes.
    // The answer's payload: the reply, or the document of an error. Nothing where the answer comes later, and
    // where nobody waits: no reply subject, or a deadline that has passed.
    [[nodiscard]] std::optional<std::string> answer(const runtime::nats::Message& message);

 private:
    using Reply = std::optional<std::string>;
    using Handler = Result<Reply> (CommandDispatcher::*)(const CommandCall&);
    struct Verb {
        contracts::CommandVerb verb;
        Handler handler;
    };
    static const Verb kVerbs[];

    [[nodiscard]] Result<Reply> dispatch(const runtime::nats::Message& message,
                                         const contracts::CommandHeaders& headers);
    void note_refusal(const runtime::nats::Message& message, const contracts::CommandHeaders& headers,
                      const Error& why);
    [[nodiscard]] Result<Reply> ping(const CommandCall& call);
    [[nodiscard]] Result<Reply> logs(const CommandCall& call);
    [[nodiscard]] Result<Reply> exec(const CommandCall& call);

    contracts::DeviceId device_;
    std::string agent_version_;
    const Clock& clock_;
    SteadyTime started_;
    LongCommands* long_commands_ = nullptr;
    runtime::daemon::Counter& answered_;
    runtime::daemon::Counter& refused_;
    runtime::daemon::Counter& expired_;
};

}  // namespace harmony::agent
