#include "harmony/nats/fake_connection.hpp"

#include <condition_variable>
#include <optional>

#include "fake_broker.hpp"

namespace harmony::runtime::nats {

void FakeClient::start(ConnectionEvents events) {
    const std::lock_guard lock(mutex_);
    events_ = std::move(events);
}

void FakeClient::tell_connected() {
    const std::lock_guard lock(mutex_);
    if (status_ == ConnectionStatus::Closed) return;
    status_ = ConnectionStatus::Connected;
    const Connected how = was_connected_ ? Connected::Again : Connected::First;
    was_connected_ = true;
    if (events_.on_connected) events_.on_connected(how);
}

void FakeClient::tell_disconnected() {
    const std::lock_guard lock(mutex_);
    if (status_ != ConnectionStatus::Connected) return;
    status_ = ConnectionStatus::Reconnecting;
    if (events_.on_disconnected)
        events_.on_disconnected(Error(ErrorKind::Unavailable, "the server went away"));
}

void FakeClient::tell_error(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (status_ != ConnectionStatus::Closed && events_.on_error) events_.on_error(error);
}

void FakeClient::close() {
    const std::lock_guard lock(mutex_);
    status_ = ConnectionStatus::Closed;
}

ConnectionStatus FakeClient::status() const {
    const std::lock_guard lock(mutex_);
    return status_;
}

namespace {

class InMemoryConnection final : public NatsConnection {
 public:
    InMemoryConnection(std::shared_ptr<FakeBroker> broker, ConnectionOptions options)
        : broker_(std::move(broker)), options_(std::move(options)) {}
    ~InMemoryConnection() override { InMemoryConnection::close(); }

    Result<void> start(ConnectionEvents events) override {
        client_->start(std::move(events));
        if (broker_->join(client_)) {
            client_->tell_connected();
        } else if (!options_.retry_first_connect) {
            return fail(ErrorKind::Unavailable, "connect: nobody answers");
        }
        return {};
    }

    ConnectionStatus status() const override { return client_->status(); }

    Result<void> publish(const Message& message) override {
        auto delivered = send(message);
        if (!delivered) return fail(delivered.error());
        if (*delivered == Delivered::NobodyListens && !message.reply.empty()) {
            auto told = broker_->accept(
                {.subject = message.reply, .payload = {}, .reply = {}, .headers = {{"Status", "503"}}});
            if (!told) return fail(told.error());
        }
        return {};
    }

    Result<Message> request(const Message& message, Milliseconds timeout) override {
        struct Waiting {
            std::mutex mutex;
            std::condition_variable answered;
            std::optional<Message> reply;
        };
        const auto waiting = std::make_shared<Waiting>();
        Message outgoing = message;
        outgoing.reply = new_inbox();
        const auto subscription =
            std::make_shared<FakeSubscription>(outgoing.reply, "", [waiting](const Message& reply) {
                const std::lock_guard lock(waiting->mutex);
                if (!waiting->reply) waiting->reply = reply;
                waiting->answered.notify_all();
            });
        broker_->listen(subscription);
        auto delivered = send(outgoing);
        const std::string context = "request on " + message.subject;
        if (delivered && *delivered == Delivered::Yes) {
            std::unique_lock lock(waiting->mutex);
            waiting->answered.wait_for(lock, timeout, [&] { return waiting->reply.has_value(); });
        }
        subscription->end();
        if (!delivered) return fail(delivered.error());
        if (*delivered == Delivered::Denied) return fail(ErrorKind::PermissionDenied, context + ": refused");
        if (*delivered == Delivered::NobodyListens)
            return fail(ErrorKind::NotFound, context + ": no responders");
        const std::lock_guard lock(waiting->mutex);
        if (!waiting->reply) return fail(ErrorKind::Timeout, context + ": no answer in time");
        if (waiting->reply->status() == 503) return fail(ErrorKind::NotFound, context + ": no responders");
        return std::move(*waiting->reply);
    }

    Result<Subscription> subscribe(const std::string& subject, MessageHandler handler,
                                   SubscribeOptions options) override {
        if (client_->status() == ConnectionStatus::Closed) {
            return fail(ErrorKind::Unavailable, "subscribe to " + subject + ": the connection is closed");
        }
        // A closed connection delivers nothing more, even to subscriptions that outlive it.
        const std::weak_ptr<FakeClient> weak = client_;
        auto guarded = [weak, handler = std::move(handler)](const Message& message) {
            const auto client = weak.lock();
            if (client && client->status() == ConnectionStatus::Connected) handler(message);
        };
        auto subscription =
            std::make_shared<FakeSubscription>(subject, options.queue_group, std::move(guarded));
        if (broker_->denies(subject)) {
            client_->tell_error(Error(ErrorKind::PermissionDenied,
                                      "Permissions Violation for Subscription to \"" + subject + "\""));
        } else {
            broker_->listen(subscription);
        }
        return Subscription(std::move(subscription));
    }

    Result<void> flush(Milliseconds) override {
        if (client_->status() != ConnectionStatus::Connected) {
            return fail(ErrorKind::Unavailable, "flush: not connected");
        }
        return {};
    }

    std::string new_inbox() override {
        return (options_.inbox_prefix.empty() ? std::string("_INBOX") : options_.inbox_prefix) + "." +
               broker_->unique_token();
    }

    void close() override { client_->close(); }

 private:
    Result<Delivered> send(const Message& message) {
        if (client_->status() == ConnectionStatus::Closed) {
            return fail(ErrorKind::Unavailable,
                        "publish on " + message.subject + ": the connection is closed");
        }
        auto delivered = broker_->accept(message);
        if (delivered && *delivered == Delivered::Denied) {
            client_->tell_error(Error(ErrorKind::PermissionDenied,
                                      "Permissions Violation for Publish to \"" + message.subject + "\""));
        }
        return delivered;
    }

    const std::shared_ptr<FakeBroker> broker_;
    const ConnectionOptions options_;
    const std::shared_ptr<FakeClient> client_ = std::make_shared<FakeClient>();
};

}  // namespace

std::unique_ptr<NatsConnection> FakeNatsConnection::create(std::shared_ptr<FakeNatsServer> server,
                                                           ConnectionOptions options) {
    return std::make_unique<InMemoryConnection>(std::static_pointer_cast<FakeBroker>(std::move(server)),
                                                std::move(options));
}

}  // namespace harmony::runtime::nats
