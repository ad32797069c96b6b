#include "harmony/nats/bucket_state.hpp"
#include "harmony/nats/key_value.hpp"
#include "jetstream_api.hpp"

namespace harmony::runtime::nats {
namespace {

using Json = nlohmann::json;

// Writes repeated within this time and marked with the same message id count once; the server's own default,
// which must not exceed a bucket's time to live.
constexpr std::int64_t kDuplicateWindowNs = 120'000'000'000;

// Of an entry, beside its value: the server's limit counts them too.
constexpr std::int64_t kHeaderBytes = 256;

Json stream_config(const BucketSettings& settings) {
    const std::int64_t ttl_ns = std::chrono::nanoseconds(settings.time_to_live).count();
    const std::int64_t window = ttl_ns > 0 && ttl_ns < kDuplicateWindowNs ? ttl_ns : kDuplicateWindowNs;
    return {
        {"name", stream_of(settings.name)},
        {"subjects", Json::array({subject_of(settings.name, ">")})},
        {"retention", "limits"},
        {"discard", "new"},
        {"storage", settings.storage == Storage::Memory ? "memory" : "file"},
        {"max_msgs_per_subject", settings.history},
        {"max_age", ttl_ns},
        {"max_msg_size", settings.max_value_bytes > 0 ? settings.max_value_bytes + kHeaderBytes : -1},
        {"duplicate_window", window},
        {"num_replicas", settings.replicas},
        {"allow_direct", true},
        {"allow_rollup_hdrs", true},
        {"deny_delete", true},
    };
}

bool has_settings(const Json& current, const Json& wanted) {
    for (const auto& [name, value] : wanted.items()) {
        const auto found = current.find(name);
        if (found == current.end() || *found != value) return false;
    }
    return true;
}

}  // namespace

Result<void> ensure_bucket(NatsConnection& connection, const BucketSettings& settings, Milliseconds timeout) {
    const std::string stream = stream_of(settings.name);
    const Json wanted = stream_config(settings);
    auto info = api_request(connection, "$JS.API.STREAM.INFO." + stream, nullptr, timeout);
    if (!info && info.error().kind() == ErrorKind::NotFound) {
        auto created = api_request(connection, "$JS.API.STREAM.CREATE." + stream, wanted, timeout);
        if (!created) return fail(created.error().wrap("create bucket " + settings.name));
        return {};
    }
    if (!info) return fail(info.error().wrap("look at bucket " + settings.name));
    const Json current = info->value("config", Json::object());
    if (has_settings(current, wanted)) return {};
    const std::string storage = current.value("storage", "");
    if (storage != wanted["storage"]) {
        return fail(ErrorKind::Conflict, "bucket " + settings.name + ": found storage " + storage +
                                             ", expected " + wanted["storage"].get<std::string>() +
                                             ", which the server can't change in place");
    }
    Json updated = current;
    updated.update(wanted);
    auto done = api_request(connection, "$JS.API.STREAM.UPDATE." + stream, updated, timeout);
    if (!done) return fail(done.error().wrap("change bucket " + settings.name));
    return {};
}

Result<void> delete_bucket(NatsConnection& connection, std::string_view bucket, Milliseconds timeout) {
    auto done = api_request(connection, "$JS.API.STREAM.DELETE." + stream_of(bucket), nullptr, timeout);
    if (!done) return fail(done.error().wrap("delete bucket " + std::string(bucket)));
    return {};
}

Result<BucketState> bucket_state(NatsConnection& connection, std::string_view bucket, Milliseconds timeout) {
    auto info = api_request(connection, "$JS.API.STREAM.INFO." + stream_of(bucket), nullptr, timeout);
    if (!info) return fail(info.error().wrap("look at bucket " + std::string(bucket)));
    const Json counts = info->value("state", Json::object());
    return BucketState{info->value("created", ""), counts.value("messages", std::uint64_t{0}),
                       counts.value("last_seq", std::uint64_t{0})};
}

bool has_lost_entries(const BucketState& before, const BucketState& now) {
    return now.created != before.created || now.messages < before.messages ||
           now.last_revision < before.last_revision;
}

}  // namespace harmony::runtime::nats
