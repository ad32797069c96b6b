// The inside of the fake: who listens to what, and what the buckets hold.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "harmony/nats/entry.hpp"
#include "harmony/nats/fake_connection.hpp"

namespace harmony::runtime::nats {

class FakeClient;

class FakeSubscription final : public Subscription::State {
 public:
    FakeSubscription(std::string filter_, std::string queue_, MessageHandler handler)
        : filter(std::move(filter_)), queue(std::move(queue_)), handler_(std::move(handler)) {}
    bool deliver(const Message& message);
    void end() override;
    [[nodiscard]] std::uint64_t dropped() const override { return 0; }
    // Takes no lock: asked under the broker's, while a handler may be running.
    [[nodiscard]] bool active() const { return active_; }

    const std::string filter;
    const std::string queue;

 private:
    const MessageHandler handler_;
    std::recursive_mutex running_;
    std::atomic<bool> active_ = true;
};

enum class Delivered { Yes, NobodyListens, Dropped, Denied };

class FakeBroker final : public FakeNatsServer {
 public:
    std::vector<Message> published() const override;
    std::vector<Message> published(std::string_view filter) const override;
    void forget_published() override;
    void stop() override;
    void restart(bool lose_memory) override;
    void fail_publish(std::string_view filter, int nth, ErrorKind kind) override;
    void drop(std::string_view filter) override;
    void deny(std::string_view filter) override;
    std::vector<std::string> keys(std::string_view bucket) const override;
    Result<std::string> value(std::string_view bucket, std::string_view key) const override;
    void remove_bucket(std::string_view bucket) override;
    void expire(std::string_view bucket, std::string_view key) override;

    // For the connections.
    bool join(const std::shared_ptr<FakeClient>& client);  // true: the server is up
    void listen(const std::shared_ptr<FakeSubscription>& subscription);
    [[nodiscard]] bool denies(const std::string& subject) const;
    [[nodiscard]] bool running() const;
    Result<Delivered> accept(const Message& message);
    std::string unique_token();

 private:
    struct Stored {
        std::string value;
        std::uint64_t revision = 0;
        bool deleted = false;
        std::vector<Header> headers;
    };
    struct Consumer {
        std::string name;
        std::string deliver_subject;
        std::string filter;
        std::uint64_t sequence = 0;
    };
    struct Bucket {
        nlohmann::json config;
        std::map<std::string, Stored, std::less<>> entries;
        std::uint64_t sequence = 0;
        std::string created;
        std::vector<Consumer> consumers;
    };
    // A delivery of a consumer is routed by the consumer's subject and shows the entry's own.
    struct Outgoing {
        std::string route;
        Message message;
    };
    using Outbox = std::vector<Outgoing>;

    // Each appends what the server would send as a consequence. All run under mutex_.
    bool take_write(const Message& message, Outbox& outbox);
    bool take_api_call(const Message& message, Outbox& outbox);
    void take_direct_get(const Message& message, std::string_view rest, Outbox& outbox);
    void take_stream_call(const Message& message, std::string_view verb, std::string_view stream,
                          Outbox& outbox);
    void create_consumer(const Message& message, std::string_view rest, Outbox& outbox);
    void delete_consumer(const Message& message, std::string_view rest, Outbox& outbox);
    void drop_bucket(std::string_view bucket, Outbox& outbox);
    static void push(Outbox& outbox, Message message);
    static void push_delivery(Outbox& outbox, const Consumer& consumer, Message message);
    Bucket* bucket_of_stream(std::string_view stream);
    static Message delivery(Consumer& consumer, std::string_view bucket, std::string_view key,
                            const Stored& stored, std::size_t pending);

    // Outside the lock.
    bool route(const std::string& subject, const Message& message);
    void send_all(const Outbox& outbox);
    std::vector<std::shared_ptr<FakeClient>> clients();

    mutable std::mutex mutex_;
    bool running_ = true;
    std::uint64_t last_token_ = 0;
    std::vector<Message> published_;
    std::vector<std::weak_ptr<FakeClient>> clients_;
    std::vector<std::shared_ptr<FakeSubscription>> subscriptions_;
    std::map<std::string, Bucket, std::less<>> buckets_;
    struct PlannedFailure {
        std::string filter;
        int remaining;
        ErrorKind kind;
    };
    std::vector<PlannedFailure> failures_;
    std::string dropped_;
    std::set<std::string> denied_;
};

class FakeClient {
 public:
    void start(ConnectionEvents events);
    void tell_connected();
    void tell_disconnected();
    void tell_error(const Error& error);
    void close();
    [[nodiscard]] ConnectionStatus status() const;

 private:
    mutable std::recursive_mutex mutex_;
    ConnectionEvents events_;
    ConnectionStatus status_ = ConnectionStatus::Connecting;
    bool was_connected_ = false;
};

}  // namespace harmony::runtime::nats
