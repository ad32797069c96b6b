// Free of JSON: an agent links this and not the JetStream API.
#include "harmony/nats/direct_get.hpp"

#include <charconv>

namespace harmony::runtime::nats {

Result<std::optional<Entry>> direct_get(NatsConnection& connection, std::string_view bucket,
                                        std::string_view key, Milliseconds timeout) {
    Message request;
    request.subject = "$JS.API.DIRECT.GET.KV_";
    request.subject.append(bucket).append(".$KV.").append(bucket).append(1, '.').append(key);
    auto reply = connection.request(request, timeout);
    if (!reply) return fail(reply.error());
    if (reply->status() == 404) return std::optional<Entry>{};
    if (reply->status() >= 300) {
        return fail(ErrorKind::Unavailable, request.subject + ": answered " +
                                                std::to_string(reply->status()) + " " +
                                                std::string(reply->header("Description").value_or("")));
    }
    const auto operation = reply->header("KV-Operation");
    if (operation && (*operation == "DEL" || *operation == "PURGE")) return std::optional<Entry>{};
    const auto sequence = reply->header("Nats-Sequence");
    Entry entry{.key = std::string(key), .value = std::move(reply->payload), .revision = 0, .deleted = false};
    if (sequence) std::from_chars(sequence->data(), sequence->data() + sequence->size(), entry.revision);
    if (entry.revision == 0) {
        return fail(ErrorKind::Corrupt, request.subject + ": the answer carries no sequence number");
    }
    return std::optional<Entry>(std::move(entry));
}

}  // namespace harmony::runtime::nats
