// One connection to NATS that never gives up.
//
// The only door to the NATS client library: everything above it sees messages, Results and callbacks.
// make_nats_connection() builds the real one, FakeNatsConnection (fake_connection.hpp) serves unit tests.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harmony/nats/message.hpp"
#include "harmony/result.hpp"

namespace harmony::runtime::nats {

using Milliseconds = std::chrono::milliseconds;

struct Credentials {
    std::string user;  // empty: connect without credentials
    std::string password;
};

struct ReconnectPolicy {
    Milliseconds first_delay{100};
    Milliseconds max_delay{10'000};  // the delay doubles from first_delay up to here
    double jitter = 0.5;             // each delay is multiplied by a random factor in [1 - jitter, 1]
};

struct ConnectionOptions {
    std::vector<std::string> urls = {};  // nats://host:port, tried in random order
    Credentials credentials = {};
    std::string name = {};          // shown by the server beside the connection
    std::string inbox_prefix = {};  // without a trailing dot; empty: the library's own (`_INBOX`)
    Milliseconds connect_timeout{2'000};
    ReconnectPolicy reconnect = {};
    Milliseconds ping_interval{20'000};
    int max_pings_out = 2;  // unanswered pings before the server counts as gone

    // true: start() succeeds although no server answers, and goes on trying (daemons).
    // false: start() fails at once (command line).
    bool retry_first_connect = true;

    // Bytes of publishes kept while disconnected; a publish that doesn't fit fails with Unavailable.
    int reconnect_buffer_bytes = 1024 * 1024;
    // Each connection holds one read and one write buffer of this size.
    int io_buffer_bytes = 32 * 1024;
    // Write each publish to the socket at once instead of gathering for a millisecond: one thread less and a
    // shorter delay for a client that publishes rarely, a slower one for a client that publishes a lot.
    bool write_at_once = false;
};

enum class ConnectionStatus { Connecting, Connected, Reconnecting, Closed };
std::string_view to_string(ConnectionStatus status);

enum class Connected { First, Again };

// Called one at a time: from start() itself where it connects at once, else from a thread of the connection.
// A handler must not block: it copies, enqueues and returns. It may publish, and must not call close() or
// destroy the connection. None runs after close() has returned.
struct ConnectionEvents {
    // Subscriptions are back in place when this is called; messages of the time between are lost.
    std::function<void(Connected)> on_connected = {};
    std::function<void(const Error& reason)> on_disconnected = {};
    // PermissionDenied: the server refused a subject, named in the text. Unavailable: a slow consumer lost
    // messages, or the server refused to admit us (the connection goes on trying).
    std::function<void(const Error&)> on_error = {};
};

using MessageHandler = std::function<void(const Message&)>;

struct SubscribeOptions {
    std::string queue_group = {};  // empty: every subscriber gets every message
    // What may wait for the handler; beyond it new messages are dropped, counted and reported to on_error.
    int max_pending_messages = 65'536;
    int max_pending_bytes = 64 * 1024 * 1024;
};

// Ends its subscription when destroyed. Afterwards the handler is not running and will not run again, except
// where the destroying thread is the handler itself. Do not destroy it while holding a lock the handler
// takes.
class Subscription {
 public:
    class State {
     public:
        virtual ~State() = default;
        virtual void end() = 0;
        [[nodiscard]] virtual std::uint64_t dropped() const = 0;
    };

    Subscription() = default;
    explicit Subscription(std::shared_ptr<State> state) : state_(std::move(state)) {}
    Subscription(Subscription&& other) noexcept = default;
    Subscription& operator=(Subscription&& other) noexcept {
        if (this != &other) {
            end();
            state_ = std::move(other.state_);
        }
        return *this;
    }
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;
    ~Subscription() { end(); }

    void end() {
        if (auto state = std::exchange(state_, nullptr)) state->end();
    }
    [[nodiscard]] bool active() const { return state_ != nullptr; }
    // Messages lost because the handler was too slow.
    [[nodiscard]] std::uint64_t dropped() const { return state_ ? state_->dropped() : 0; }

 private:
    std::shared_ptr<State> state_;
};

// Thread-safe. Destroying it closes it. Subscriptions may outlive it and then never fire.
class NatsConnection {
 public:
    virtual ~NatsConnection() = default;

    // Connects; call once. Blocks at most connect_timeout per URL. PermissionDenied: credentials refused;
    // Unavailable: nobody answers; both only where retry_first_connect is false. InvalidInput: bad options.
    [[nodiscard]] virtual Result<void> start(ConnectionEvents events) = 0;
    [[nodiscard]] virtual ConnectionStatus status() const = 0;

    // Hands the message to the connection's buffer and returns: no promise that a server sees it.
    // InvalidInput: bad subject or too large for the server. Unavailable: closed, or the buffer is full.
    // The server reports a refused subject later, to on_error.
    [[nodiscard]] virtual Result<void> publish(const Message& message) = 0;

    // Publishes (message.reply is ignored) and waits for one answer. NotFound: nobody is subscribed (no
    // responders, at once). Timeout. PermissionDenied: the server refused the subject (after the timeout).
    [[nodiscard]] virtual Result<Message> request(const Message& message, Milliseconds timeout) = 0;

    // The handler runs on a thread of its own, in the order of arrival, one message at a time.
    [[nodiscard]] virtual Result<Subscription> subscribe(const std::string& subject, MessageHandler handler,
                                                         SubscribeOptions options = {}) = 0;

    // Returns when the server has processed everything published before. Timeout, Unavailable.
    [[nodiscard]] virtual Result<void> flush(Milliseconds timeout) = 0;

    // A fresh subject below the inbox prefix.
    [[nodiscard]] virtual std::string new_inbox() = 0;

    // Ends all work; idempotent. Waits for running event handlers.
    virtual void close() = 0;
};

[[nodiscard]] std::unique_ptr<NatsConnection> make_nats_connection(ConnectionOptions options);

// The delay before the n-th attempt (from 1). `random` lies in [0, 1).
[[nodiscard]] Milliseconds reconnect_delay(const ReconnectPolicy& policy, int attempt, double random);

}  // namespace harmony::runtime::nats
