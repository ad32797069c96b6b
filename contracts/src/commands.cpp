#include "harmony/contracts/commands.hpp"

#include "codecs.hpp"

namespace harmony::contracts {

namespace {

constexpr EnumNames<CommandVerb, 3> kVerbs{
    {{CommandVerb::Ping, "ping"}, {CommandVerb::Logs, "logs"}, {CommandVerb::Exec, "exec"}}};

constexpr EnumNames<CommandFailureKind, 5> kFailureKinds{
    {{CommandFailureKind::DeviceOffline, "DeviceOffline"},
     {CommandFailureKind::Timeout, "Timeout"},
     {CommandFailureKind::BadReply, "BadReply"},
     {CommandFailureKind::Agent, "Agent"},
     {CommandFailureKind::Transport, "Transport"}}};

bool is_request_id(std::string_view text) {
    return text.size() <= kMaxRequestIdBytes && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
           });
}

bool is_printable(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7f;
    });
}

tl::unexpected<Error> bad_header(std::string_view header, std::string_view found, std::string_view expected) {
    return fail(ErrorKind::InvalidInput,
                std::string(header) + ": found " + in_quotes(found) + ", expected " + std::string(expected));
}

}  // namespace

std::string_view to_string(CommandVerb verb) {
    return name_of(kVerbs, verb);
}

Result<CommandVerb> parse_command_verb(std::string_view text) {
    for (const auto& [verb, name] : kVerbs) {
        if (name == text) return verb;
    }
    return fail(ErrorKind::InvalidInput, "verb: found " + in_quotes(text) + ", expected ping, logs or exec");
}

std::chrono::seconds client_deadline(CommandVerb verb) {
    switch (verb) {
        case CommandVerb::Ping:
            return kPingDeadline;
        case CommandVerb::Logs:
            return kLogsDeadline;
        case CommandVerb::Exec:
            return kExecDeadline;
    }
    return kPingDeadline;
}

std::string command_subject(const DeviceId& device, CommandVerb verb) {
    return std::string(kCommandSubjectPrefix) + "." + device.str() + "." + std::string(to_string(verb));
}

std::string command_subscription(const DeviceId& device) {
    return std::string(kCommandSubjectPrefix) + "." + device.str() + ".>";
}

Result<CommandSubject> parse_command_subject(std::string_view subject) {
    const auto prefix = std::string(kCommandSubjectPrefix) + ".";
    if (subject.starts_with(prefix)) {
        const auto rest = subject.substr(prefix.size());
        const auto dot = rest.find('.');
        if (dot != std::string_view::npos) {
            auto device = DeviceId::parse(rest.substr(0, dot));
            if (!device) return fail(device.error());
            const auto verb = parse_command_verb(rest.substr(dot + 1));
            if (!verb) return fail(verb.error());
            return CommandSubject{*std::move(device), *verb};
        }
    }
    return fail(ErrorKind::InvalidInput,
                "subject: found " + in_quotes(subject) + ", expected " + prefix + "<device>.<verb>");
}

Result<CommandHeaders> CommandHeaders::parse(std::string_view request_id, std::string_view deadline,
                                             std::string_view operator_sub) {
    CommandHeaders result;
    if (!is_request_id(request_id)) {
        return bad_header(kRequestIdHeader, request_id, "at most 64 letters, digits and '-'");
    }
    result.request_id = request_id;
    if (!deadline.empty()) {
        const auto parsed = Timestamp::parse(deadline);
        if (!parsed)
            return fail(parsed.error().kind(),
                        std::string(kDeadlineHeader) + ": " + parsed.error().message());
        result.deadline = *parsed;
    }
    if (operator_sub.size() > kMaxOperatorSubBytes || !is_printable(operator_sub)) {
        return bad_header(kOperatorSubHeader, operator_sub, "at most 256 bytes without control characters");
    }
    result.operator_sub = operator_sub;
    return result;
}

std::string_view to_string(CommandFailureKind kind) {
    return name_of(kFailureKinds, kind);
}

std::string CommandFailure::text() const {
    auto result = std::string(to_string(kind));
    if (agent) result += "{" + std::string(to_string(*agent)) + "}";
    return message.empty() ? result : result + ": " + message;
}

}  // namespace harmony::contracts
