#include "status.hpp"

#include <charconv>

#include "harmony/http/base64.hpp"

namespace harmony::runtime::kubernetes {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxForeignText = 1'000;
constexpr std::size_t kMaxCauses = 50;
constexpr std::int64_t kMaxRetryAfter = 3'600;

std::string text_of(const Json& object, const char* key) {
    if (!object.is_object()) return {};
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

const Json& member(const Json& object, const char* key) {
    static const Json nothing;
    if (!object.is_object()) return nothing;
    const auto found = object.find(key);
    return found == object.end() ? nothing : *found;
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

// The text between the first pair of quotes after a word.
std::string quoted_after(std::string_view text, std::string_view word) {
    const auto at = text.find(word);
    if (at == std::string_view::npos) return {};
    const auto start = text.find('"', at + word.size());
    if (start == std::string_view::npos) return {};
    const auto end = text.find('"', start + 1);
    if (end == std::string_view::npos) return {};
    return foreign_text(text.substr(start + 1, end - start - 1));
}

Reason reason_of_code(int status) {
    switch (status) {
        case 401:
            return Reason::Unauthorized;
        case 403:
            return Reason::Forbidden;
        case 404:
            return Reason::NotFound;
        case 409:
            return Reason::Conflict;
        case 410:
            return Reason::Gone;
        case 422:
            return Reason::Invalid;
        case 429:
        case 502:
        case 503:
        case 504:
            return Reason::Unavailable;
        default:
            return status >= 500 ? Reason::Unavailable : Reason::Rejected;
    }
}

Reason reason_of(int status, std::string_view name, std::string_view message, const Json& details) {
    if (name == "AlreadyExists") return Reason::AlreadyExists;
    if (name == "Expired" || name == "Gone") return Reason::Gone;
    if (name == "Conflict") return Reason::Conflict;
    if (status == 403 && contains(message, "exceeded quota:")) return Reason::QuotaExceeded;
    if (status == 403 && contains(message, "is being terminated")) return Reason::NamespaceTerminating;
    const Json& causes = member(details, "causes");
    if (causes.is_array()) {
        for (const Json& cause : causes) {
            if (text_of(cause, "reason") == "NamespaceTerminating") return Reason::NamespaceTerminating;
        }
    }
    return reason_of_code(status);
}

// The permission that is missing, in the words of a Role. Refusals by admission are in the server's own
// words.
std::string forbidden_text(const CallName& call, std::string_view message) {
    if (!contains(message, " cannot ")) return foreign_text(message);
    const std::string user = quoted_after(message, "User");
    const std::string where =
        call.name_space.empty() ? "in the cluster" : "in namespace \"" + call.name_space + "\"";
    return (user.empty() ? "the user" : "user \"" + user + "\"") + " lacks the permission to " + call.verb +
           " " + call.resource + " " + where +
           ": a Role or ClusterRole with that verb and resource must be bound to it";
}

void take_causes(Failure& failure, const Json& details) {
    const Json& causes = member(details, "causes");
    if (!causes.is_array()) return;
    for (const Json& cause : causes) {
        if (failure.conflicts.size() + failure.problems.size() >= kMaxCauses) return;
        const std::string field = foreign_text(text_of(cause, "field"));
        const std::string message = text_of(cause, "message");
        if (text_of(cause, "reason") == "FieldManagerConflict") {
            failure.conflicts.push_back({quoted_after(message, "conflict with"), field});
        } else if (!field.empty()) {
            failure.problems.push_back({field, foreign_text(message)});
        }
    }
}

std::string explain(const CallName& call, Reason reason, std::string_view message, const Failure& failure) {
    switch (reason) {
        case Reason::Forbidden:
            return forbidden_text(call, message);
        case Reason::Unauthorized:
            return "the server does not accept these credentials";
        case Reason::Conflict: {
            if (failure.conflicts.empty()) break;
            std::string text = "fields that other managers own:";
            for (const FieldConflict& conflict : failure.conflicts)
                text += " " + conflict.field + " (" + conflict.manager + ")";
            return text + "; give them up there, or take them with force";
        }
        case Reason::Invalid: {
            if (failure.problems.empty()) break;
            std::string text = "the server refuses";
            const char* separator = " ";
            for (const FieldProblem& problem : failure.problems) {
                text += separator + problem.field + ": " + problem.message;
                separator = "; ";
            }
            return text;
        }
        default:
            break;
    }
    return message.empty() ? std::string(to_string(reason)) : foreign_text(message);
}

}  // namespace

std::string CallName::text() const {
    std::string text = verb + " " + resource;
    if (!name.empty()) text += " " + (name_space.empty() ? name : name_space + "/" + name);
    if (name.empty() && !name_space.empty()) text += " in namespace " + name_space;
    return text;
}

std::string foreign_text(std::string_view text) {
    // The server quotes the document around a decoding error, which may be a Secret.
    text = text.substr(0, text.find(", error found in #"));
    std::string clean(text.substr(0, kMaxForeignText));
    for (char& c : clean) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    }
    if (text.size() > kMaxForeignText) clean += "...";
    return clean;
}

std::optional<std::chrono::seconds> parse_retry_after(std::string_view text) {
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc{} || end != text.data() + text.size() || seconds < 0) return std::nullopt;
    return std::chrono::seconds(std::min(seconds, kMaxRetryAfter));
}

std::optional<std::int64_t> token_expiry(std::string_view token) {
    const auto first = token.find('.');
    if (first == std::string_view::npos) return std::nullopt;
    const auto second = token.find('.', first + 1);
    if (second == std::string_view::npos) return std::nullopt;
    const auto claims = http::decode_base64(token.substr(first + 1, second - first - 1));
    if (!claims) return std::nullopt;
    const Json parsed = Json::parse(*claims, nullptr, false);
    const Json& expiry = member(parsed, "exp");
    if (!expiry.is_number_integer()) return std::nullopt;
    return expiry.get<std::int64_t>();
}

Failure decode_status(const CallName& call, int status, const Json& object) {
    const std::string message = text_of(object, "message");
    const Json& details = member(object, "details");
    const Json& code = member(object, "code");
    if (status < 400 && code.is_number_integer()) status = code.get<int>();
    Failure failure = make_failure(reason_of(status, text_of(object, "reason"), message, details), {});
    failure.status = status;
    take_causes(failure, details);
    const Json& seconds = member(details, "retryAfterSeconds");
    if (seconds.is_number_integer() && seconds.get<std::int64_t>() > 0) {
        failure.retry_after = std::chrono::seconds(std::min(seconds.get<std::int64_t>(), kMaxRetryAfter));
    }
    failure.error =
        Error(kind_of(failure.reason), call.text() + ": " + explain(call, failure.reason, message, failure));
    return failure;
}

Failure decode_failure(const CallName& call, int status, std::string_view body,
                       std::string_view retry_after) {
    Json object = Json::parse(body, nullptr, false);
    // Proxies and an API server that is starting answer in plain text.
    if (!object.is_object()) object = Json{{"message", foreign_text(body)}};
    Failure failure = decode_status(call, status, object);
    if (const auto seconds = parse_retry_after(retry_after)) failure.retry_after = seconds;
    return failure;
}

}  // namespace harmony::runtime::kubernetes
