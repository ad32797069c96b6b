#include "harmony/nats/connection.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <random>
#include <stop_token>
#include <thread>
#include <unordered_map>

#include "nats_c.hpp"
#include "subscription.hpp"

namespace harmony::runtime::nats {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kRememberedRefusals = 64;

class RealConnection;

// nats.c may call back at any time around the end of a connection, so its closure is a number that is looked
// up here, never a pointer.
class LiveConnections {
 public:
    static LiveConnections& instance() {
        static LiveConnections* const live = new LiveConnections;  // outlives every thread of nats.c
        return *live;
    }
    void* add(std::weak_ptr<RealConnection> connection) {
        const std::lock_guard lock(mutex_);
        connections_.emplace(++last_, std::move(connection));
        return reinterpret_cast<void*>(last_);
    }
    void remove(void* closure) {
        const std::lock_guard lock(mutex_);
        connections_.erase(reinterpret_cast<std::uintptr_t>(closure));
    }
    std::shared_ptr<RealConnection> find(void* closure) {
        const std::lock_guard lock(mutex_);
        const auto found = connections_.find(reinterpret_cast<std::uintptr_t>(closure));
        return found == connections_.end() ? nullptr : found->second.lock();
    }

 private:
    std::mutex mutex_;
    std::uintptr_t last_ = 0;
    std::unordered_map<std::uintptr_t, std::weak_ptr<RealConnection>> connections_;
};

// The text between the first pair of quotes: the server names a refused subject so.
std::string quoted_part(std::string_view text) {
    const auto begin = text.find('"');
    if (begin == std::string_view::npos) return {};
    const auto end = text.find('"', begin + 1);
    return end == std::string_view::npos ? std::string{}
                                         : std::string(text.substr(begin + 1, end - begin - 1));
}

class RealConnection : public std::enable_shared_from_this<RealConnection> {
 public:
    explicit RealConnection(ConnectionOptions options) : options_(std::move(options)) {}
    ~RealConnection() { LiveConnections::instance().remove(closure_); }

    Result<void> start(ConnectionEvents events);
    ConnectionStatus status() const;
    Result<void> publish(const Message& message);
    Result<Message> request(const Message& message, Milliseconds timeout);
    Result<Subscription> subscribe(const std::string& subject, MessageHandler handler,
                                   SubscribeOptions options);
    Result<void> flush(Milliseconds timeout);
    std::string new_inbox();
    void close();

 private:
    RawCallbacks callbacks();
    natsStatus connect(bool retry_first);
    Handle handle() const;
    void tell_connected();
    void tell_error(const Error& error);
    void on_disconnected(natsConnection* raw);
    void on_closed(natsConnection* raw);
    void on_error(natsConnection* raw, natsStatus status);
    void revive(const std::stop_token& stop);
    void start_reviving();
    void take_over(Handle connection);
    bool refused_since(const std::string& subject, Clock::time_point begin);
    Milliseconds delay(int attempt);

    const ConnectionOptions options_;
    void* closure_ = nullptr;
    std::atomic<bool> closing_ = false;

    mutable std::mutex handle_mutex_;
    Handle handle_;

    // Held while an event handler runs, so that close() waits for it.
    std::recursive_mutex events_mutex_;
    ConnectionEvents events_;
    bool was_connected_ = false;
    bool events_ended_ = false;

    std::mutex subscriptions_mutex_;
    std::vector<std::weak_ptr<NatsSubscription>> subscriptions_;

    std::mutex refusals_mutex_;
    std::deque<std::pair<std::string, Clock::time_point>> refusals_;

    std::mutex random_mutex_;
    std::minstd_rand random_{std::random_device{}()};

    std::mutex reviver_mutex_;
    std::jthread reviver_;
};

RawCallbacks RealConnection::callbacks() {
    using Live = LiveConnections;
    return {
        .connected =
            [](natsConnection*, void* closure) {
                if (auto self = Live::instance().find(closure)) self->tell_connected();
            },
        .reconnected =
            [](natsConnection*, void* closure) {
                if (auto self = Live::instance().find(closure)) self->tell_connected();
            },
        .disconnected =
            [](natsConnection* raw, void* closure) {
                if (auto self = Live::instance().find(closure)) self->on_disconnected(raw);
            },
        .closed =
            [](natsConnection* raw, void* closure) {
                if (auto self = Live::instance().find(closure)) self->on_closed(raw);
            },
        .error =
            [](natsConnection* raw, natsSubscription*, natsStatus status, void* closure) {
                if (auto self = Live::instance().find(closure)) self->on_error(raw, status);
            },
        .delay = [](natsConnection*, int attempts, void* closure) -> std::int64_t {
            auto self = Live::instance().find(closure);
            return self ? self->delay(attempts).count() : 0;
        },
        .closure = closure_,
    };
}

natsStatus RealConnection::connect(bool retry_first) {
    auto made = make_options(options_, callbacks(), retry_first);
    if (!made) return NATS_INVALID_ARG;
    natsConnection* raw = nullptr;
    const natsStatus status = natsConnection_Connect(&raw, made->get());
    if (raw != nullptr) take_over(Handle(raw, natsConnection_Destroy));
    return status;
}

Result<void> RealConnection::start(ConnectionEvents events) {
    closure_ = LiveConnections::instance().add(weak_from_this());
    // Built once more in connect(); here only to tell what is wrong with the options.
    if (auto checked = make_options(options_, callbacks(), false); !checked) return fail(checked.error());
    {
        const std::lock_guard lock(events_mutex_);
        events_ = std::move(events);
    }
    const natsStatus status = connect(options_.retry_first_connect);
    if (status == NATS_OK) {
        tell_connected();
        return {};
    }
    if (status == NATS_NOT_YET_CONNECTED) return {};
    Error error = to_error(status, "connect to " + options_.urls.front());
    if (!options_.retry_first_connect) return fail(std::move(error));
    tell_error(error);
    start_reviving();
    return {};
}

Handle RealConnection::handle() const {
    const std::lock_guard lock(handle_mutex_);
    return handle_;
}

ConnectionStatus RealConnection::status() const {
    if (closing_) return ConnectionStatus::Closed;
    const Handle connection = handle();
    if (!connection) return ConnectionStatus::Connecting;
    switch (natsConnection_Status(connection.get())) {
        case NATS_CONN_STATUS_CONNECTED:
        case NATS_CONN_STATUS_DRAINING_SUBS:
        case NATS_CONN_STATUS_DRAINING_PUBS:
            return ConnectionStatus::Connected;
        case NATS_CONN_STATUS_CONNECTING:
            return ConnectionStatus::Connecting;
        default:
            return ConnectionStatus::Reconnecting;
    }
}

Result<void> RealConnection::publish(const Message& message) {
    const Handle connection = handle();
    if (!connection) return fail(ErrorKind::Unavailable, "publish on " + message.subject + ": not connected");
    natsStatus status;
    if (message.headers.empty()) {
        const int size = static_cast<int>(message.payload.size());
        status = message.reply.empty()
                     ? natsConnection_Publish(connection.get(), message.subject.c_str(),
                                              message.payload.data(), size)
                     : natsConnection_PublishRequest(connection.get(), message.subject.c_str(),
                                                     message.reply.c_str(), message.payload.data(), size);
    } else {
        auto msg = to_nats_msg(message);
        if (!msg) return fail(msg.error());
        status = natsConnection_PublishMsg(connection.get(), msg->get());
    }
    if (status != NATS_OK) return fail(to_error(status, "publish on " + message.subject));
    return {};
}

Result<Message> RealConnection::request(const Message& message, Milliseconds timeout) {
    const Handle connection = handle();
    if (!connection) return fail(ErrorKind::Unavailable, "request on " + message.subject + ": not connected");
    const auto begin = Clock::now();
    Message outgoing = message;
    outgoing.reply.clear();
    auto msg = to_nats_msg(outgoing);
    if (!msg) return fail(msg.error());
    natsMsg* raw = nullptr;
    const natsStatus status = natsConnection_RequestMsg(&raw, connection.get(), msg->get(), timeout.count());
    if (status == NATS_OK) {
        const MsgPtr reply(raw);
        return to_message(reply.get());
    }
    if (status == NATS_TIMEOUT && refused_since(message.subject, begin)) {
        return fail(ErrorKind::PermissionDenied, "request on " + message.subject + ": refused by the server");
    }
    return fail(to_error(status, "request on " + message.subject));
}

Result<Subscription> RealConnection::subscribe(const std::string& subject, MessageHandler handler,
                                               SubscribeOptions options) {
    if (closing_)
        return fail(ErrorKind::Unavailable, "subscribe to " + subject + ": the connection is closed");
    const std::weak_ptr<RealConnection> weak = weak_from_this();
    auto subscription = std::make_shared<NatsSubscription>(subject, std::move(handler), std::move(options),
                                                           [weak](const Error& error) {
                                                               if (auto self = weak.lock())
                                                                   self->tell_error(error);
                                                           });
    // One lock over both steps: a revival in between would otherwise miss this subscription.
    const std::lock_guard lock(subscriptions_mutex_);
    const Handle connection = handle();
    if (connection && natsConnection_Status(connection.get()) != NATS_CONN_STATUS_CLOSED) {
        if (auto attached = subscription->attach(connection); !attached) return fail(attached.error());
    }
    std::erase_if(subscriptions_, [](const auto& known) { return known.expired(); });
    subscriptions_.push_back(subscription);
    return Subscription(std::move(subscription));
}

Result<void> RealConnection::flush(Milliseconds timeout) {
    const Handle connection = handle();
    if (!connection) return fail(ErrorKind::Unavailable, "flush: not connected");
    const natsStatus status = natsConnection_FlushTimeout(connection.get(), timeout.count());
    if (status != NATS_OK) return fail(to_error(status, "flush"));
    return {};
}

std::string RealConnection::new_inbox() {
    static constexpr std::string_view kAlphabet = "0123456789abcdefghijklmnopqrstuvwxyz";
    std::string inbox = options_.inbox_prefix.empty() ? "_INBOX" : options_.inbox_prefix;
    inbox += '.';
    std::random_device entropy;  // inboxes must not be guessed by other users of the server
    for (int i = 0; i < 4; ++i) {
        auto bits = static_cast<std::uint32_t>(entropy());
        for (int j = 0; j < 6; ++j, bits /= 36)
            inbox += kAlphabet[bits % 36];
    }
    return inbox;
}

void RealConnection::close() {
    if (closing_.exchange(true)) return;
    std::jthread reviver;
    {
        const std::lock_guard lock(reviver_mutex_);
        reviver.swap(reviver_);
    }
    if (reviver.joinable()) {
        reviver.request_stop();
        reviver.join();
    }
    if (const Handle connection = handle()) natsConnection_Close(connection.get());
    const std::lock_guard lock(events_mutex_);
    events_ended_ = true;
}

void RealConnection::tell_connected() {
    const std::lock_guard lock(events_mutex_);
    if (events_ended_) return;
    const Connected how = was_connected_ ? Connected::Again : Connected::First;
    was_connected_ = true;
    if (events_.on_connected) events_.on_connected(how);
}

void RealConnection::tell_error(const Error& error) {
    const std::lock_guard lock(events_mutex_);
    if (!events_ended_ && events_.on_error) events_.on_error(error);
}

void RealConnection::on_disconnected(natsConnection* raw) {
    const char* text = nullptr;
    natsConnection_GetLastError(raw, &text);
    const std::string reason = text != nullptr && *text != '\0' ? text : "the server closed the connection";
    const std::lock_guard lock(events_mutex_);
    if (events_ended_ || closing_ || !events_.on_disconnected) return;
    events_.on_disconnected(Error(ErrorKind::Unavailable, reason));
}

void RealConnection::on_error(natsConnection* raw, natsStatus status) {
    const char* raw_text = nullptr;
    natsConnection_GetLastError(raw, &raw_text);
    const std::string text = raw_text != nullptr && *raw_text != '\0' ? raw_text : natsStatus_GetText(status);
    if (status == NATS_SLOW_CONSUMER) {
        tell_error(Error(ErrorKind::Unavailable, "slow consumer: messages were dropped"));
        return;
    }
    if (const std::string subject = quoted_part(text); !subject.empty()) {
        const std::lock_guard lock(refusals_mutex_);
        refusals_.emplace_back(subject, Clock::now());
        if (refusals_.size() > kRememberedRefusals) refusals_.pop_front();
    }
    Error error = to_error(status, "nats");
    tell_error(Error(error.kind(), text));
}

bool RealConnection::refused_since(const std::string& subject, Clock::time_point begin) {
    const std::lock_guard lock(refusals_mutex_);
    for (const auto& [refused, at] : refusals_) {
        if (refused == subject && at >= begin) return true;
    }
    return false;
}

// nats.c gives a connection up for good when a server refuses its credentials twice. A password that is being
// rotated, or a server that has not read its users yet, must not end a daemon.
void RealConnection::on_closed(natsConnection* raw) {
    if (closing_) return;
    const char* text = nullptr;
    natsConnection_GetLastError(raw, &text);
    tell_error(Error(ErrorKind::Unavailable, std::string("the server refuses this client: ") +
                                                 (text != nullptr ? text : "no reason given")));
    start_reviving();
}

void RealConnection::start_reviving() {
    const std::lock_guard lock(reviver_mutex_);
    if (closing_) return;
    const std::weak_ptr<RealConnection> weak = weak_from_this();
    reviver_ = std::jthread([weak](const std::stop_token& stop) {
        if (auto self = weak.lock()) self->revive(stop);
    });
}

void RealConnection::revive(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    for (int attempt = 1; !stop.stop_requested(); ++attempt) {
        {
            std::unique_lock lock(mutex);
            wake.wait_for(lock, stop, delay(attempt), [] { return false; });
        }
        if (stop.stop_requested()) return;
        if (connect(false) != NATS_OK) continue;
        tell_connected();
        return;
    }
}

// Also who subscribed before, or while nats.c was still trying its first server, is on the new connection.
// Who subscribes meanwhile waits.
void RealConnection::take_over(Handle connection) {
    std::vector<Error> refused;
    {
        const std::lock_guard subscribing(subscriptions_mutex_);
        for (const auto& weak : subscriptions_) {
            const auto subscription = weak.lock();
            if (!subscription) continue;
            if (auto attached = subscription->attach(connection); !attached)
                refused.push_back(attached.error());
        }
        const std::lock_guard lock(handle_mutex_);
        handle_.swap(connection);
    }
    for (const Error& error : refused)
        tell_error(error);
}

Milliseconds RealConnection::delay(int attempt) {
    const std::lock_guard lock(random_mutex_);
    const double random = static_cast<double>(random_() - std::minstd_rand::min()) /
                          static_cast<double>(std::minstd_rand::max() - std::minstd_rand::min());
    return reconnect_delay(options_.reconnect, attempt, random);
}

// What the caller owns; the other half lives on until the last callback has let it go.
class NatsConnectionOwner final : public NatsConnection {
 public:
    explicit NatsConnectionOwner(ConnectionOptions options)
        : connection_(std::make_shared<RealConnection>(std::move(options))) {}
    ~NatsConnectionOwner() override { connection_->close(); }

    Result<void> start(ConnectionEvents events) override { return connection_->start(std::move(events)); }
    ConnectionStatus status() const override { return connection_->status(); }
    Result<void> publish(const Message& message) override { return connection_->publish(message); }
    Result<Message> request(const Message& message, Milliseconds timeout) override {
        return connection_->request(message, timeout);
    }
    Result<Subscription> subscribe(const std::string& subject, MessageHandler handler,
                                   SubscribeOptions options) override {
        return connection_->subscribe(subject, std::move(handler), std::move(options));
    }
    Result<void> flush(Milliseconds timeout) override { return connection_->flush(timeout); }
    std::string new_inbox() override { return connection_->new_inbox(); }
    void close() override { connection_->close(); }

 private:
    std::shared_ptr<RealConnection> connection_;
};

}  // namespace

std::unique_ptr<NatsConnection> make_nats_connection(ConnectionOptions options) {
    return std::make_unique<NatsConnectionOwner>(std::move(options));
}

}  // namespace harmony::runtime::nats
