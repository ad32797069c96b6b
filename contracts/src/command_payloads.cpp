// What the three verbs carry.
#include "codecs.hpp"
#include "harmony/contracts/commands.hpp"

namespace harmony::contracts {

namespace {

constexpr std::size_t kMaxSourceBytes = 1024;

constexpr EnumNames<FollowLease, 3> kLeases{
    {{FollowLease::Open, "Open"}, {FollowLease::Renew, "Renew"}, {FollowLease::End, "End"}}};
constexpr EnumNames<LogsEvent, 3> kEvents{
    {{LogsEvent::Ended, "Ended"}, {LogsEvent::Interrupted, "Interrupted"}, {LogsEvent::Resumed, "Resumed"}}};
constexpr EnumNames<LogsEnd, 4> kEnds{{{LogsEnd::Complete, "Complete"},
                                       {LogsEnd::Stopped, "Stopped"},
                                       {LogsEnd::LeaseExpired, "LeaseExpired"},
                                       {LogsEnd::AgentStopping, "AgentStopping"}}};

template <class Enum, std::size_t count>
void read_tag(const Field& field, const EnumNames<Enum, count>& names, std::optional<Enum>& out) {
    if (!field.present()) return;
    Enum value{};
    field.enumeration(value, names);
    out = value;
}

void read_service(const Field& field, std::optional<std::string>& out) {
    field.text(out, 1, kMaxServiceNameBytes);
    if (field.present() && !check_name(field.path(), *out, kMaxServiceNameBytes)) {
        field.reject(
            "1 to 63 lower-case letters, digits and '-', beginning and ending with a letter or digit");
    }
}

void read_ping_reply(const Field& root, PingReply& out) {
    root.required("device_id").name(out.device_id);
    root.required("agent_version").text(out.agent_version, 1, kMaxAgentVersionBytes);
    root.required("uptime_s").integer(out.uptime_s, 0, INT64_MAX);
}

void read_logs_request(const Field& root, LogsRequest& out) {
    root.required("deployment").name(out.deployment);
    read_service(root.optional("service"), out.service);
    root.optional("lines").integer(out.lines, INT64_MIN, INT64_MAX);
    out.lines = std::clamp<std::int64_t>(out.lines, 1, kLogsMaxLines);
    root.optional("follow").boolean(out.follow);
    root.optional("since").timestamp(out.since);
    root.optional("lease").enumeration(out.lease, kLeases);
}

void read_logs_reply(const Field& root, LogsReply& out) {
    root.required("source").text(out.source, 1, kMaxSourceBytes);
    root.required("captured_at").timestamp(out.captured_at);
    root.required("lines").texts(out.lines, static_cast<std::size_t>(kLogsMaxLines), kLogsMaxLineBytes);
    root.required("truncated").boolean(out.truncated);
    read_service(root.optional("service"), out.service);
    root.optional("sequence").integer(out.sequence, 0, INT64_MAX);
    root.optional("lost_lines").integer(out.lost_lines, 0, INT64_MAX);
    read_tag(root.optional("event"), kEvents, out.event);
    read_tag(root.optional("end"), kEnds, out.end);
}

void read_exec_request(const Field& root, ExecRequest& out) {
    root.optional("host").boolean(out.host);
    const auto deployment = out.host ? root.optional("deployment") : root.required("deployment");
    if (deployment.present() && out.host) {
        return deployment.reject_because("is given together with host: a command runs in one place");
    }
    if (!out.host) deployment.name(out.deployment.emplace());
    const auto service = root.optional("service");
    read_service(service, out.service);
    if (service.present() && out.host) {
        return service.reject_because("is given together with host: a command runs in one place");
    }
    const auto argv = root.required("argv");
    argv.texts(out.argv, kExecMaxArguments, kExecMaxArgumentBytes);
    if (!argv.present()) return;
    if (out.argv.empty() || out.argv.front().empty()) return argv.reject_because("names no program");
    std::size_t bytes = 0;
    for (const auto& argument : out.argv) {
        bytes += argument.size();
        if (argument.find('\0') != std::string::npos) return argv.reject_because("holds a NUL byte");
    }
    if (bytes > kExecMaxArgumentBytes) {
        argv.reject_because("holds " + std::to_string(bytes) + " bytes, expected at most " +
                            std::to_string(kExecMaxArgumentBytes));
    }
}

void read_exec_reply(const Field& root, ExecReply& out) {
    root.required("exit_code").integer(out.exit_code, INT32_MIN, INT32_MAX);
    root.required("stdout").text(out.standard_output, 0, kExecMaxStreamBytes);
    root.required("stderr").text(out.standard_error, 0, kExecMaxStreamBytes);
    root.required("truncated").boolean(out.truncated);
}

// Cuts the text to max_bytes of UTF-8 and notes that it did.
std::string cut(std::string_view text, std::size_t max_bytes, bool& truncated) {
    auto valid = valid_utf8(text);
    if (valid.size() <= max_bytes) return valid;
    truncated = true;
    return std::string(cut_utf8(valid, max_bytes));
}

}  // namespace

std::string_view to_string(FollowLease lease) {
    return name_of(kLeases, lease);
}

std::string_view to_string(LogsEvent event) {
    return name_of(kEvents, event);
}

std::string_view to_string(LogsEnd end) {
    return name_of(kEnds, end);
}

std::string log_line_text(std::string_view text, std::size_t total_bytes) {
    auto valid = valid_utf8(text);
    if (valid.size() <= kLogsMaxLineBytes && total_bytes <= text.size()) return valid;
    const auto mark = " \u2026[cut, " + std::to_string(total_bytes) + " bytes]";
    return std::string(cut_utf8(valid, kLogsMaxLineBytes - mark.size())) + mark;
}

Result<PingReply> PingReply::decode(std::string_view json) {
    return decode_reply<PingReply>(json, read_ping_reply);
}

std::string PingReply::encode() const {
    return dump_canonical(
        Json{{"device_id", device_id.str()}, {"agent_version", agent_version}, {"uptime_s", uptime_s}});
}

Result<LogsRequest> LogsRequest::decode(std::string_view json) {
    return decode_document<LogsRequest>(json, kMaxCommandRequestBytes, read_logs_request);
}

std::string LogsRequest::encode() const {
    Json result{{"deployment", deployment.str()},
                {"lines", std::clamp<std::int64_t>(lines, 1, kLogsMaxLines)},
                {"follow", follow}};
    if (service) result["service"] = *service;
    if (since) result["since"] = since->format();
    if (lease != FollowLease::Open) result["lease"] = to_string(lease);
    return dump_canonical(result);
}

Result<LogsReply> LogsReply::decode(std::string_view json) {
    return decode_reply<LogsReply>(json, read_logs_reply);
}

std::string LogsReply::encode() const {
    constexpr std::size_t kEnvelopeBytes = 8 * 1024;  // the source, escaped, and the other fields
    std::size_t bytes = kEnvelopeBytes;
    bool cut_something = truncated;
    std::int64_t lost = lost_lines;
    std::vector<std::string> newest_first;
    for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
        auto kept = cut(*line, kLogsMaxLineBytes, cut_something);
        bytes += dump_canonical(Json(kept)).size() + 1;
        if (bytes > kMaxDocumentBytes || newest_first.size() == static_cast<std::size_t>(kLogsMaxLines)) {
            cut_something = true;
            lost += std::distance(line, lines.rend());
            break;
        }
        newest_first.push_back(std::move(kept));
    }
    std::reverse(newest_first.begin(), newest_first.end());
    Json result{{"source", shortened(source, kMaxSourceBytes)},
                {"captured_at", captured_at.format()},
                {"lines", std::move(newest_first)},
                {"truncated", cut_something},
                {"sequence", sequence}};
    if (service) result["service"] = *service;
    if (lost > 0) result["lost_lines"] = lost;
    if (event) result["event"] = to_string(*event);
    if (end) result["end"] = to_string(*end);
    return dump_canonical(result);
}

Result<ExecRequest> ExecRequest::decode(std::string_view json) {
    return decode_document<ExecRequest>(json, kMaxCommandRequestBytes, read_exec_request);
}

std::string ExecRequest::encode() const {
    Json result{{"argv", argv}, {"host", host}};
    if (deployment) result["deployment"] = deployment->str();
    if (service) result["service"] = *service;
    return dump_canonical(result);
}

Result<ExecReply> ExecReply::decode(std::string_view json) {
    return decode_reply<ExecReply>(json, read_exec_reply);
}

std::string ExecReply::encode() const {
    bool cut_something = truncated;
    auto output = cut(standard_output, kExecMaxStreamBytes, cut_something);
    auto error = cut(standard_error, kExecMaxStreamBytes, cut_something);
    while (true) {
        auto document = dump_canonical(Json{
            {"exit_code", exit_code}, {"stdout", output}, {"stderr", error}, {"truncated", cut_something}});
        if (document.size() <= kMaxDocumentBytes) return document;
        // A control character takes six bytes when escaped: give up half of the longer stream and look again.
        auto& longer = output.size() >= error.size() ? output : error;
        longer = cut(longer, longer.size() / 2, cut_something);
    }
}

}  // namespace harmony::contracts
