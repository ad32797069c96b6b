#include "harmony/agent/commands.hpp"

#include "harmony/daemon/logging.hpp"

namespace harmony::agent {

namespace nats = runtime::nats;

namespace {

constexpr runtime::daemon::Logger kLog("commands");
constexpr const char* kMetric = "harmony_agent_commands_total";
constexpr const char* kMetricHelp = "Commands received, by what became of them";

Result<contracts::CommandHeaders> headers_of(const nats::Message& message) {
    const auto value = [&](std::string_view name) { return message.header(name).value_or(""); };
    return contracts::CommandHeaders::parse(value(contracts::kRequestIdHeader),
                                            value(contracts::kDeadlineHeader),
                                            value(contracts::kOperatorSubHeader));
}

// Those that are right by themselves: whoever sends a wrong deadline is in the audit log all the same.
contracts::CommandHeaders right_headers_of(const nats::Message& message) {
    const auto value = [&](std::string_view name) { return message.header(name).value_or(""); };
    contracts::CommandHeaders result;
    if (const auto id = contracts::CommandHeaders::parse(value(contracts::kRequestIdHeader), "", ""))
        result.request_id = id->request_id;
    if (const auto sub = contracts::CommandHeaders::parse("", "", value(contracts::kOperatorSubHeader)))
        result.operator_sub = sub->operator_sub;
    return result;
}

}  // namespace

const CommandDispatcher::Verb CommandDispatcher::kVerbs[] = {
    {contracts::CommandVerb::Ping, &CommandDispatcher::ping},
    {contracts::CommandVerb::Logs, &CommandDispatcher::logs},
    {contracts::CommandVerb::Exec, &CommandDispatcher::exec},
};

CommandDispatcher::CommandDispatcher(contracts::DeviceId device, std::string agent_version,
                                     const Clock& clock, runtime::daemon::MetricsRegistry& metrics)
    : device_(std::move(device)),
      agent_version_(std::move(agent_version)),
      clock_(clock),
      started_(clock.steady()),
      answered_(metrics.counter(kMetric, kMetricHelp, {{"outcome", "answered"}})),
      refused_(metrics.counter(kMetric, kMetricHelp, {{"outcome", "refused"}})),
      expired_(metrics.counter(kMetric, kMetricHelp, {{"outcome", "expired"}})) {}

std::optional<std::string> CommandDispatcher::answer(const nats::Message& message) {
    if (message.reply.empty()) return std::nullopt;
    const auto headers = headers_of(message);
    auto reply = headers ? dispatch(message, *headers) : Result<Reply>(fail(headers.error()));
    if (reply) {
        if (*reply) answered_.add();
        return *std::move(reply);
    }
    refused_.add();
    kLog.info("refused", {{"subject", message.subject}, {"reason", reply.error().text()}});
    note_refusal(message, headers ? *headers : right_headers_of(message), reply.error());
    return contracts::RemoteError::from_error(reply.error()).encode();
}

Result<CommandDispatcher::Reply> CommandDispatcher::dispatch(const nats::Message& message,
                                                             const contracts::CommandHeaders& headers) {
    const bool expired = headers.deadline && *headers.deadline < clock_.wall();
    if (expired) expired_.add();
    const auto subject = contracts::parse_command_subject(message.subject);
    if (expired && !(subject && subject->verb == contracts::CommandVerb::Exec)) return Reply{};
    if (!subject) return fail(ErrorKind::InvalidInput, "unknown verb: " + subject.error().text());
    if (message.payload.size() > contracts::kMaxCommandRequestBytes) {
        const Error why(ErrorKind::InvalidInput, "the request has " + std::to_string(message.payload.size()) +
                                                     " bytes, expected at most " +
                                                     std::to_string(contracts::kMaxCommandRequestBytes));
        if (!expired) return fail(why);
        note_refusal(message, headers, why);
        return Reply{};
    }
    for (const Verb& known : kVerbs) {
        if (known.verb != subject->verb) continue;
        auto reply = (this->*known.handler)({headers, message.payload, message.reply, expired});
        if (!expired) return reply;
        if (!reply) note_refusal(message, headers, reply.error());
        return Reply{};
    }
    return fail(ErrorKind::InvalidInput,
                "this agent does not offer the verb " + std::string(contracts::to_string(subject->verb)));
}

void CommandDispatcher::note_refusal(const nats::Message& message, const contracts::CommandHeaders& headers,
                                     const Error& why) {
    const auto subject = contracts::parse_command_subject(message.subject);
    if (long_commands_ == nullptr || !subject || subject->verb != contracts::CommandVerb::Exec) return;
    long_commands_->exec_refused({headers, message.payload, message.reply}, why);
}

Result<CommandDispatcher::Reply> CommandDispatcher::ping(const CommandCall& /*call*/) {
    contracts::PingReply reply;
    reply.device_id = device_;
    reply.agent_version = agent_version_;
    reply.uptime_s = std::chrono::duration_cast<std::chrono::seconds>(clock_.steady() - started_).count();
    return Reply(reply.encode());
}

Result<CommandDispatcher::Reply> CommandDispatcher::logs(const CommandCall& call) {
    if (long_commands_ == nullptr) {
        return fail(ErrorKind::InvalidInput, "this agent does not offer the verb logs");
    }
    if (auto begun = long_commands_->logs(call); !begun) return fail(begun.error());
    return Reply{};
}

Result<CommandDispatcher::Reply> CommandDispatcher::exec(const CommandCall& call) {
    if (long_commands_ == nullptr) {
        return fail(ErrorKind::InvalidInput, "this agent does not offer the verb exec");
    }
    if (auto begun = long_commands_->exec(call); !begun) return fail(begun.error());
    return Reply{};
}

}  // namespace harmony::agent
