#include "jetstream_api.hpp"

namespace harmony::runtime::nats {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kOperationHeader = "KV-Operation";

ErrorKind kind_of_api_error(int http_like_code, int code) {
    if (code == kStreamNotFound || code == kConsumerNotFound || http_like_code == 404)
        return ErrorKind::NotFound;
    if (code == kStreamNameInUse) return ErrorKind::Conflict;
    if (http_like_code == 503) return ErrorKind::Unavailable;
    if (http_like_code == 400) return ErrorKind::InvalidInput;
    return ErrorKind::Internal;
}

template <class T>
T value_or(const Json& object, const char* name, T fallback) {
    const auto found = object.find(name);
    if (found == object.end()) return fallback;
    if constexpr (std::is_same_v<T, std::string>) {
        return found->is_string() ? found->template get<T>() : fallback;
    } else {
        return found->is_number() ? found->template get<T>() : fallback;
    }
}

}  // namespace

Result<void> api_error(const Json& answer, std::string_view context) {
    const auto error = answer.find("error");
    if (error == answer.end() || !error->is_object()) return {};
    const int code = value_or(*error, "code", 500);
    const int api_code = value_or(*error, "err_code", 0);
    return fail(kind_of_api_error(code, api_code),
                std::string(context) + ": " + value_or<std::string>(*error, "description", "no description") +
                    " (" + std::to_string(api_code) + ")");
}

Result<Json> api_request(NatsConnection& connection, const std::string& subject, const Json& body,
                         Milliseconds timeout) {
    Message message{
        .subject = subject, .payload = body.is_null() ? "" : body.dump(), .reply = {}, .headers = {}};
    auto reply = connection.request(message, timeout);
    if (!reply) {
        // Nobody serves the API: JetStream is off, or still starting.
        if (reply.error().kind() == ErrorKind::NotFound) {
            return fail(ErrorKind::Unavailable, subject + ": JetStream does not answer");
        }
        return fail(reply.error());
    }
    Json answer = Json::parse(reply->payload, nullptr, false);
    if (!answer.is_object()) return fail(ErrorKind::Corrupt, subject + ": the answer is not a JSON object");
    if (auto good = api_error(answer, subject); !good) return fail(good.error());
    return answer;
}

Result<std::uint64_t> parse_ack(const Message& reply, std::string_view context) {
    if (reply.status() == 503) {
        return fail(ErrorKind::NotFound, std::string(context) + ": no bucket takes this key");
    }
    const Json ack = Json::parse(reply.payload, nullptr, false);
    if (!ack.is_object())
        return fail(ErrorKind::Corrupt, std::string(context) + ": the acknowledgement is not JSON");
    if (auto good = api_error(ack, context); !good) return fail(good.error());
    return value_or<std::uint64_t>(ack, "seq", 0);
}

std::string stream_of(std::string_view bucket) {
    return "KV_" + std::string(bucket);
}

std::string subject_of(std::string_view bucket, std::string_view key) {
    std::string subject = "$KV.";
    subject.append(bucket).append(1, '.').append(key);
    return subject;
}

bool is_deletion(const Message& message) {
    const auto operation = message.header(kOperationHeader);
    return operation && (*operation == "DEL" || *operation == "PURGE");
}

Result<void> check_key(std::string_view key) {
    const auto bad = key.find_first_of(std::string_view(" \t\r\n*>\0", 7));
    const bool empty_token =
        key.empty() || key.front() == '.' || key.back() == '.' || key.find("..") != std::string_view::npos;
    if (bad != std::string_view::npos || empty_token) {
        return fail(ErrorKind::InvalidInput,
                    "key: found \"" + std::string(key) +
                        "\", expected tokens joined by single dots, without wildcards or "
                        "white space");
    }
    return {};
}

Message deletion_message(std::string_view bucket, std::string_view key) {
    return {.subject = subject_of(bucket, key),
            .payload = {},
            .reply = {},
            .headers = {{std::string(kOperationHeader), "DEL"}}};
}

}  // namespace harmony::runtime::nats
