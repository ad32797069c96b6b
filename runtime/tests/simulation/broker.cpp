#include "broker.hpp"

#include <algorithm>

#include "harmony/contracts/fleet_api.hpp"
#include "harmony/contracts/kv.hpp"

namespace harmony::simulation {

namespace nats = runtime::nats;

namespace {

constexpr Micros kSyncInterval = 10 * kSecond;  // what is older is on the server's disk
constexpr Micros kApiPatience = 10 * kSecond;
constexpr std::string_view kKvPrefix = "$KV.";
constexpr std::string_view kDirectGetPrefix = "$JS.API.DIRECT.GET.KV_";
constexpr std::string_view kApiInbox = "_INBOX.api.";

struct Place {
    std::string_view bucket;
    std::string_view key;
};

std::optional<Place> place_of(std::string_view subject) {
    if (!subject.starts_with(kKvPrefix)) return std::nullopt;
    subject.remove_prefix(kKvPrefix.size());
    const auto dot = subject.find('.');
    if (dot == std::string_view::npos) return std::nullopt;
    return Place{subject.substr(0, dot), subject.substr(dot + 1)};
}

bool is_deletion(const nats::Message& message) {
    return message.header(contracts::kKvOperationHeader).has_value();
}

}  // namespace

void Broker::join(Client& client) {
    clients_.push_back(&client);
}

void Broker::leave(Client& client) {
    std::erase(clients_, &client);
}

void Broker::ensure_bucket(std::string_view name, bool memory, Micros time_to_live) {
    if (buckets_.find(name) != buckets_.end()) return;
    Bucket& made = buckets_[std::string(name)];
    made.memory = memory;
    made.time_to_live = time_to_live;
}

const Broker::Bucket* Broker::bucket(std::string_view name) const {
    const auto found = buckets_.find(name);
    return found == buckets_.end() ? nullptr : &found->second;
}

std::optional<std::uint64_t> Broker::put(std::string_view bucket_name, std::string_view key,
                                         std::string value, bool deleted) {
    const auto found = buckets_.find(bucket_name);
    if (found == buckets_.end()) return std::nullopt;
    Bucket& bucket = found->second;
    auto place = bucket.entries.find(key);
    if (!bucket.memory) {
        std::erase_if(unsynced_,
                      [&](const Undo& undo) { return undo.at + kSyncInterval < scheduler_.now(); });
        unsynced_.push_back({std::string(bucket_name), std::string(key),
                             place == bucket.entries.end() ? std::nullopt : std::optional(place->second),
                             scheduler_.now()});
    }
    if (place == bucket.entries.end()) place = bucket.entries.emplace(std::string(key), Stored{}).first;
    Stored& stored = place->second;
    stored.value = std::move(value);
    stored.revision = ++bucket.sequence;
    stored.deleted = deleted;
    stored.at = scheduler_.now();
    if (observer_) observer_(bucket_name, key, stored);
    if (bucket_name == contracts::kDesiredStateBucket) {
        nats::Message hint;
        hint.subject = contracts::kv_subject(bucket_name, key);
        hint.payload = stored.value;
        if (deleted) {
            hint.headers.push_back(
                {std::string(contracts::kKvOperationHeader), std::string(contracts::kKvOperationDelete)});
        }
        deliver_hints(hint);
    } else {
        for (Client* client : clients_)
            client->tell_watches(bucket_name, key, stored);
    }
    return stored.revision;
}

void Broker::deliver_hints(const nats::Message& message) {
    const auto shared = std::make_shared<const nats::Message>(message);
    for (Client* client : clients_) {
        for (std::size_t i = 0; i < client->listeners_.size(); ++i) {
            const Client::Listener& listener = client->listeners_[i];
            if (!listener.queue.empty() || !nats::subject_matches(listener.filter, message.subject)) continue;
            if (!client->reaches() || random_.chance(client->link_.loss)) continue;
            const int copies = random_.chance(client->link_.duplicate) ? 2 : 1;
            for (int copy = 0; copy < copies; ++copy) {
                client->process_.later(client->travel(), [client, i, shared] {
                    if (client->reaches()) client->listeners_[i].handler(*shared);
                });
            }
        }
    }
}

std::optional<nats::Message> Broker::serve(const nats::Message& request) {
    std::string_view subject = request.subject;
    nats::Message reply;
    if (const auto place = place_of(subject)) {
        const auto revision = put(place->bucket, place->key, request.payload, is_deletion(request));
        if (!revision) return std::nullopt;
        reply.payload = R"({"stream":"KV_)" + std::string(place->bucket) + R"(","seq":)" +
                        std::to_string(*revision) + "}";
        return reply;
    }
    if (!subject.starts_with(kDirectGetPrefix)) return std::nullopt;
    subject.remove_prefix(kDirectGetPrefix.size());
    const auto place = place_of(subject.substr(subject.find('.') + 1));
    const auto found = place ? buckets_.find(place->bucket) : buckets_.end();
    if (found == buckets_.end()) return std::nullopt;
    const auto stored = found->second.entries.find(place->key);
    if (stored == found->second.entries.end()) {
        reply.headers = {{"Status", "404"}, {"Description", "Message Not Found"}};
        return reply;
    }
    reply.payload = stored->second.value;
    reply.headers.push_back({"Nats-Sequence", std::to_string(stored->second.revision)});
    if (stored->second.deleted) {
        reply.headers.push_back(
            {std::string(contracts::kKvOperationHeader), std::string(contracts::kKvOperationDelete)});
    }
    return reply;
}

void Broker::accept(const nats::Message& message) {
    if (!up_) return;
    if (const auto place = place_of(message.subject)) {
        (void)put(place->bucket, place->key, message.payload, is_deletion(message));
        return;
    }
    const auto call = api_calls_.find(message.subject);
    if (call == api_calls_.end()) return;
    if (call->second.link->cut || random_.chance(call->second.link->loss)) return;
    auto done = std::move(call->second.done);
    api_calls_.erase(call);
    scheduler_.after(kMillisecond, [done = std::move(done), payload = message.payload] { done(payload); });
}

void Broker::call_api(const Link& link, nats::Message request,
                      std::function<void(std::optional<std::string>)> done) {
    request.reply = std::string(kApiInbox) + std::to_string(++last_call_);
    const std::string name = request.reply;
    api_calls_[name] = {std::move(done), &link};
    scheduler_.after(kApiPatience, [this, name] {
        const auto call = api_calls_.find(name);
        if (call == api_calls_.end()) return;
        auto waiting = std::move(call->second.done);
        api_calls_.erase(call);
        waiting(std::nullopt);
    });
    if (!up_ || link.cut || random_.chance(link.loss)) return;
    struct Candidate {
        Client* client;
        std::size_t listener;
    };
    std::vector<Candidate> candidates;
    for (Client* client : clients_) {
        for (std::size_t i = 0; i < client->listeners_.size(); ++i) {
            const Client::Listener& listener = client->listeners_[i];
            const bool connected = client->status_ == nats::ConnectionStatus::Connected;
            if (connected && !listener.queue.empty() &&
                nats::subject_matches(listener.filter, request.subject))
                candidates.push_back({client, i});
        }
    }
    if (candidates.empty()) return;
    const Candidate chosen = random_.pick(candidates);
    Client* const client = chosen.client;
    client->process_.later(client->travel(), [client, i = chosen.listener, request] {
        if (client->reaches()) client->listeners_[i].handler(request);
    });
}

void Broker::stop(bool lose_unsynced) {
    if (!up_) return;
    up_ = false;
    history_.add(Happened::BrokerDown, "broker");
    for (auto& [name, bucket] : buckets_) {
        if (bucket.memory) bucket.entries.clear();
    }
    if (lose_unsynced && !unsynced_.empty()) {
        const auto lost = random_.between(0, static_cast<std::int64_t>(unsynced_.size()));
        for (std::int64_t i = 0; i < lost; ++i) {
            Undo undo = std::move(unsynced_.back());
            unsynced_.pop_back();
            const auto bucket = buckets_.find(undo.bucket);
            if (bucket == buckets_.end()) continue;
            if (loss_observer_) loss_observer_(undo.bucket, undo.key);
            if (undo.before) {
                bucket->second.entries[undo.key] = std::move(*undo.before);
            } else {
                bucket->second.entries.erase(undo.key);
            }
        }
        if (lost > 0) history_.add(Happened::WritesLost, "broker", std::to_string(lost));
    }
    unsynced_.clear();
    const std::vector<Client*> connected = clients_;
    for (Client* client : connected)
        client->disconnect("the server went away");
}

void Broker::start() {
    if (up_) return;
    up_ = true;
    history_.add(Happened::BrokerUp, "broker");
    for (Client* client : clients_)
        client->connect_soon();
}

void Broker::lose_bucket(std::string_view name) {
    const auto found = buckets_.find(name);
    if (found == buckets_.end()) return;
    history_.add(Happened::BucketLost, "broker", name);
    buckets_.erase(found);
    if (loss_observer_) loss_observer_(name, {});
    std::erase_if(unsynced_, [&](const Undo& undo) { return undo.bucket == name; });
    // A watch misses its signs of life.
    for (Client* client : clients_) {
        for (std::size_t i = 0; i < client->watches_.size(); ++i) {
            if (client->watches_[i]->bucket == name)
                client->replay_later(i, random_.between(kSecond, 15 * kSecond));
        }
    }
}

void Broker::link_changed(const Link& link) {
    for (Client* client : clients_) {
        if (&client->link_ != &link) continue;
        if (link.cut) {
            client->notice_cut();
        } else {
            client->connect_soon();
        }
    }
}

}  // namespace harmony::simulation
