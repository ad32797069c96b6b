#include "harmony/nats/key_value.hpp"

#include "harmony/nats/direct_get.hpp"
#include "jetstream_api.hpp"
#include "replay.hpp"

namespace harmony::runtime::nats {
namespace {

// A load that hears nothing for three of these has failed.
constexpr Milliseconds kLoadHeartbeat{2'000};

Result<std::size_t> read_all(NatsConnection& connection, const std::string& bucket, std::string_view filter,
                             ReplayOptions options, const std::function<void(Entry&)>& on_entry) {
    options.idle_heartbeat = kLoadHeartbeat;
    auto replay = Replay::open(connection, bucket, std::string(filter), options);
    if (!replay) return fail(replay.error());
    std::size_t count = 0;
    while (true) {
        auto step = (*replay)->next();
        if (!step) return fail(step.error());
        if (step->kind == Replay::StepKind::CaughtUp) return count;
        if (step->kind != Replay::StepKind::Entry || step->entry.deleted) continue;
        ++count;
        on_entry(step->entry);
    }
}

}  // namespace

KeyValue::KeyValue(NatsConnection& connection, std::string bucket, Milliseconds timeout)
    : connection_(connection), bucket_(std::move(bucket)), timeout_(timeout) {}

Result<std::uint64_t> KeyValue::put(std::string_view key, std::string_view value) {
    if (auto good = check_key(key); !good) return fail(good.error());
    Message message{
        .subject = subject_of(bucket_, key), .payload = std::string(value), .reply = {}, .headers = {}};
    auto reply = connection_.request(message, timeout_);
    if (!reply) return fail(reply.error().wrap("put " + message.subject));
    return parse_ack(*reply, "put " + message.subject);
}

Result<std::uint64_t> KeyValue::del(std::string_view key) {
    if (auto good = check_key(key); !good) return fail(good.error());
    const Message message = deletion_message(bucket_, key);
    auto reply = connection_.request(message, timeout_);
    if (!reply) return fail(reply.error().wrap("delete " + message.subject));
    return parse_ack(*reply, "delete " + message.subject);
}

Result<std::optional<Entry>> KeyValue::get(std::string_view key) {
    if (auto good = check_key(key); !good) return fail(good.error());
    return direct_get(connection_, bucket_, key, timeout_);
}

Result<std::vector<Entry>> KeyValue::load(std::string_view filter) {
    std::vector<Entry> entries;
    auto done = read_all(connection_, bucket_, filter, {.request_timeout = timeout_},
                         [&](Entry& entry) { entries.push_back(std::move(entry)); });
    if (!done) return fail(done.error());
    return entries;
}

Result<std::size_t> KeyValue::load(std::string_view filter,
                                   const std::function<void(const Entry&)>& on_entry) {
    return read_all(connection_, bucket_, filter, {.request_timeout = timeout_},
                    [&](Entry& entry) { on_entry(entry); });
}

Result<std::vector<std::string>> KeyValue::keys(std::string_view filter) {
    std::vector<std::string> keys;
    auto done = read_all(connection_, bucket_, filter, {.request_timeout = timeout_, .keys_only = true},
                         [&](Entry& entry) { keys.push_back(std::move(entry.key)); });
    if (!done) return fail(done.error());
    return keys;
}

}  // namespace harmony::runtime::nats
