// The part of JetStream that KeyValue, WriteBatch and direct_get use, answered as the server answers.
#include <algorithm>

#include "fake_broker.hpp"

namespace harmony::runtime::nats {
namespace {

using Json = nlohmann::json;

bool take_prefix(std::string_view& text, std::string_view prefix) {
    if (text.substr(0, prefix.size()) != prefix) return false;
    text.remove_prefix(prefix.size());
    return true;
}

std::string_view take_token(std::string_view& text) {
    const auto dot = text.find('.');
    const auto token = text.substr(0, dot);
    text.remove_prefix(dot == std::string_view::npos ? text.size() : dot + 1);
    return token;
}

Message answer(const Message& request, const Json& body) {
    return {.subject = request.reply, .payload = body.dump(), .reply = {}, .headers = {}};
}

Message api_failure(const Message& request, int code, int api_code, const char* description) {
    return answer(request,
                  {{"error", {{"code", code}, {"err_code", api_code}, {"description", description}}}});
}

Message stream_not_found(const Message& request) {
    return api_failure(request, 404, 10059, "stream not found");
}

Message status_message(std::string subject, int code, std::string description) {
    return {.subject = std::move(subject),
            .payload = {},
            .reply = {},
            .headers = {{"Status", std::to_string(code)}, {"Description", std::move(description)}}};
}

}  // namespace

void FakeBroker::push(Outbox& outbox, Message message) {
    std::string route = message.subject;
    outbox.push_back({std::move(route), std::move(message)});
}

void FakeBroker::push_delivery(Outbox& outbox, const Consumer& consumer, Message message) {
    outbox.push_back({consumer.deliver_subject, std::move(message)});
}

FakeBroker::Bucket* FakeBroker::bucket_of_stream(std::string_view stream) {
    if (!take_prefix(stream, "KV_")) return nullptr;
    const auto found = buckets_.find(stream);
    return found == buckets_.end() ? nullptr : &found->second;
}

Message FakeBroker::delivery(Consumer& consumer, std::string_view bucket, std::string_view key,
                             const Stored& stored, std::size_t pending) {
    Message message{.subject = "$KV." + std::string(bucket) + "." + std::string(key),
                    .payload = stored.value,
                    .reply = "$JS.ACK.KV_" + std::string(bucket) + "." + consumer.name + ".1." +
                             std::to_string(stored.revision) + "." + std::to_string(++consumer.sequence) +
                             ".0." + std::to_string(pending),
                    .headers = stored.headers};
    return message;
}

bool FakeBroker::take_write(const Message& message, Outbox& outbox) {
    std::string_view rest = message.subject;
    if (!take_prefix(rest, "$KV.")) return false;
    const std::string_view bucket_name = take_token(rest);
    const auto found = buckets_.find(bucket_name);
    if (found == buckets_.end() || rest.empty()) return false;
    Bucket& bucket = found->second;
    const std::int64_t limit = bucket.config.value("max_msg_size", std::int64_t{-1});
    if (limit >= 0 && static_cast<std::int64_t>(message.payload.size()) > limit) {
        if (!message.reply.empty())
            push(outbox, api_failure(message, 400, 10054, "message size exceeds maximum allowed"));
        return true;
    }
    const auto operation = message.header("KV-Operation");
    Stored& stored = bucket.entries[std::string(rest)];
    stored = {message.payload, ++bucket.sequence, operation.has_value(), message.headers};
    if (!message.reply.empty()) {
        push(outbox,
             answer(message, {{"stream", "KV_" + std::string(bucket_name)}, {"seq", stored.revision}}));
    }
    for (Consumer& consumer : bucket.consumers) {
        if (!subject_matches(consumer.filter, message.subject)) continue;
        push_delivery(outbox, consumer, delivery(consumer, bucket_name, rest, stored, 0));
    }
    return true;
}

bool FakeBroker::take_api_call(const Message& message, Outbox& outbox) {
    std::string_view rest = message.subject;
    if (!take_prefix(rest, "$JS.API.")) return false;
    if (take_prefix(rest, "DIRECT.GET.")) {
        take_direct_get(message, rest, outbox);
    } else if (take_prefix(rest, "STREAM.")) {
        const std::string_view verb = take_token(rest);
        take_stream_call(message, verb, rest, outbox);
    } else if (take_prefix(rest, "CONSUMER.CREATE.")) {
        create_consumer(message, rest, outbox);
    } else if (take_prefix(rest, "CONSUMER.DELETE.")) {
        delete_consumer(message, rest, outbox);
    } else {
        return false;
    }
    return true;
}

void FakeBroker::take_direct_get(const Message& message, std::string_view rest, Outbox& outbox) {
    const std::string_view stream = take_token(rest);
    const Bucket* const bucket = bucket_of_stream(stream);
    if (bucket == nullptr) {
        push(outbox, status_message(message.reply, 503, "No Responders"));
        return;
    }
    const std::string subject(rest);
    take_prefix(rest, "$KV.");
    take_token(rest);
    const auto found = bucket->entries.find(rest);
    if (found == bucket->entries.end()) {
        push(outbox, status_message(message.reply, 404, "Message Not Found"));
        return;
    }
    Message reply{.subject = message.reply,
                  .payload = found->second.value,
                  .reply = {},
                  .headers = found->second.headers};
    reply.headers.push_back({"Nats-Stream", std::string(stream)});
    reply.headers.push_back({"Nats-Subject", subject});
    reply.headers.push_back({"Nats-Sequence", std::to_string(found->second.revision)});
    push(outbox, std::move(reply));
}

void FakeBroker::take_stream_call(const Message& message, std::string_view verb, std::string_view stream,
                                  Outbox& outbox) {
    Bucket* bucket = bucket_of_stream(stream);
    std::string_view name = stream;
    take_prefix(name, "KV_");
    if (verb == "CREATE" && bucket == nullptr) {
        bucket = &buckets_[std::string(name)];
        bucket->config = Json::parse(message.payload, nullptr, false);
        bucket->created = "t" + std::to_string(++last_token_);
    } else if (bucket == nullptr) {
        push(outbox, stream_not_found(message));
        return;
    } else if (verb == "UPDATE") {
        bucket->config = Json::parse(message.payload, nullptr, false);
    } else if (verb == "DELETE") {
        drop_bucket(name, outbox);
        push(outbox, answer(message, {{"success", true}}));
        return;
    }
    push(outbox, answer(message,
                        {{"config", bucket->config},
                         {"created", bucket->created},
                         {"state", {{"messages", bucket->entries.size()}, {"last_seq", bucket->sequence}}}}));
}

void FakeBroker::create_consumer(const Message& message, std::string_view rest, Outbox& outbox) {
    const std::string_view stream = take_token(rest);
    Bucket* const bucket = bucket_of_stream(stream);
    if (bucket == nullptr) {
        push(outbox, stream_not_found(message));
        return;
    }
    const Json config = Json::parse(message.payload, nullptr, false).value("config", Json::object());
    const auto text = [&](const char* field) { return config.value(field, std::string{}); };
    Consumer& consumer = bucket->consumers.emplace_back(
        Consumer{text("name"), text("deliver_subject"), text("filter_subject"), 0});
    std::string_view name = stream;
    take_prefix(name, "KV_");
    std::vector<std::pair<std::string_view, const Stored*>> matching;
    for (const auto& [key, stored] : bucket->entries) {
        if (subject_matches(consumer.filter, "$KV." + std::string(name) + "." + key)) {
            matching.emplace_back(key, &stored);
        }
    }
    std::sort(matching.begin(), matching.end(),
              [](const auto& a, const auto& b) { return a.second->revision < b.second->revision; });
    push(outbox, answer(message, {{"name", consumer.name}, {"num_pending", matching.size()}}));
    std::size_t pending = matching.size();
    for (const auto& [key, stored] : matching) {
        push_delivery(outbox, consumer, delivery(consumer, name, key, *stored, --pending));
    }
}

void FakeBroker::delete_consumer(const Message& message, std::string_view rest, Outbox& outbox) {
    Bucket* const bucket = bucket_of_stream(take_token(rest));
    if (bucket != nullptr) {
        std::erase_if(bucket->consumers, [&](const Consumer& consumer) { return consumer.name == rest; });
    }
    if (!message.reply.empty()) push(outbox, answer(message, {{"success", true}}));
}

void FakeBroker::drop_bucket(std::string_view bucket, Outbox& outbox) {
    const auto found = buckets_.find(bucket);
    if (found == buckets_.end()) return;
    for (const Consumer& consumer : found->second.consumers) {
        push_delivery(outbox, consumer, status_message(consumer.deliver_subject, 409, "Consumer Deleted"));
    }
    buckets_.erase(found);
}

void FakeBroker::remove_bucket(std::string_view bucket) {
    Outbox outbox;
    {
        const std::lock_guard lock(mutex_);
        drop_bucket(bucket, outbox);
    }
    send_all(outbox);
}

void FakeBroker::expire(std::string_view bucket, std::string_view key) {
    const std::lock_guard lock(mutex_);
    const auto found = buckets_.find(bucket);
    if (found == buckets_.end()) return;
    if (const auto entry = found->second.entries.find(key); entry != found->second.entries.end()) {
        found->second.entries.erase(entry);
    }
}

std::vector<std::string> FakeBroker::keys(std::string_view bucket) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> live;
    const auto found = buckets_.find(bucket);
    if (found == buckets_.end()) return live;
    for (const auto& [key, stored] : found->second.entries) {
        if (!stored.deleted) live.push_back(key);
    }
    return live;
}

Result<std::string> FakeBroker::value(std::string_view bucket, std::string_view key) const {
    const std::lock_guard lock(mutex_);
    const auto found = buckets_.find(bucket);
    if (found == buckets_.end()) return fail(ErrorKind::NotFound, "no bucket " + std::string(bucket));
    const auto entry = found->second.entries.find(key);
    if (entry == found->second.entries.end() || entry->second.deleted) {
        return fail(ErrorKind::NotFound, "no key " + std::string(key) + " in " + std::string(bucket));
    }
    return entry->second.value;
}

}  // namespace harmony::runtime::nats
