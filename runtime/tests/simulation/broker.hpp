// A model of nats-server with JetStream KV: leaner than the fake of the unit tests, on virtual time, and able
// to lose what a real one can lose.
//
// Subjects with plain subscriptions, KV puts with an acknowledgement, direct gets, watches as the operator's
// client library makes them (replay, then live, anew after a gap). A link is a client's way to the server: it
// delays, loses, repeats and reorders what TCP and reconnecting would. Of a batch of writes the order holds.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/nats/connection.hpp"
#include "harmony/nats/entry.hpp"
#include "history.hpp"
#include "process.hpp"
#include "random.hpp"

namespace harmony::simulation {

struct Link {
    std::string name;
    bool cut = false;      // nothing passes, and nobody is told for a while
    double loss = 0;       // of each message that is not part of a batch
    double duplicate = 0;  // of each hint and each watched entry
    Micros delay = 500;    // one way
    Micros jitter = 500;   // up to so much more; hints may overtake each other by it
};

// How the operator's library watches a bucket.
struct WatchHandlers {
    std::function<void()> on_replay;
    std::function<void(const runtime::nats::Entry&)> on_entry;
    std::function<void()> on_caught_up;
    std::function<void(const Error&)> on_trouble;
};

class Client;

class Broker {
 public:
    struct Stored {
        std::string value;
        std::uint64_t revision = 0;
        bool deleted = false;
        Micros at = 0;
    };
    struct Bucket {
        std::map<std::string, Stored, std::less<>> entries;
        std::uint64_t sequence = 0;
        bool memory = false;
        Micros time_to_live = 0;
    };
    // Told of every write, after it took effect.
    using PutObserver =
        std::function<void(std::string_view bucket, std::string_view key, const Stored& stored)>;

    Broker(Scheduler& scheduler, Random& random, History& history)
        : scheduler_(scheduler), random_(random), history_(history) {}

    void observe_puts(PutObserver observer) { observer_ = std::move(observer); }

    // Told of every key whose latest value was lost; an empty key: the whole bucket.
    using LossObserver = std::function<void(std::string_view bucket, std::string_view key)>;
    void observe_losses(LossObserver observer) { loss_observer_ = std::move(observer); }

    [[nodiscard]] bool up() const { return up_; }
    // The server ends; with `lose_unsynced` a random share of the latest file writes goes with it.
    void stop(bool lose_unsynced);
    void start();
    // The whole bucket, as an operator's mistake or a broken disk takes it.
    void lose_bucket(std::string_view bucket);
    // The link changed: clients look whether they can connect, or notice that they are cut off.
    void link_changed(const Link& link);

    // From a client, with no delay.
    void ensure_bucket(std::string_view name, bool memory, Micros time_to_live);
    [[nodiscard]] const Bucket* bucket(std::string_view name) const;
    // None where there is no such bucket.
    std::optional<std::uint64_t> put(std::string_view bucket, std::string_view key, std::string value,
                                     bool deleted);
    // What the server answers to a request; none: nobody listens.
    [[nodiscard]] std::optional<runtime::nats::Message> serve(const runtime::nats::Message& request);
    void accept(const runtime::nats::Message& message);

    // A request of the fleet API, from a client of its own behind `link`; `done` gets the reply, or nothing
    // after the client's patience.
    void call_api(const Link& link, runtime::nats::Message request,
                  std::function<void(std::optional<std::string>)> done);

    void join(Client& client);
    void leave(Client& client);
    [[nodiscard]] Scheduler& scheduler() { return scheduler_; }
    [[nodiscard]] Random& random() { return random_; }
    [[nodiscard]] History& history() { return history_; }

 private:
    struct Undo {
        std::string bucket;
        std::string key;
        std::optional<Stored> before;
        Micros at = 0;
    };
    struct ApiCall {
        std::function<void(std::optional<std::string>)> done;
        const Link* link = nullptr;
    };

    void deliver_hints(const runtime::nats::Message& message);

    Scheduler& scheduler_;
    Random& random_;
    History& history_;
    PutObserver observer_;
    LossObserver loss_observer_;
    bool up_ = true;
    std::map<std::string, Bucket, std::less<>> buckets_;
    std::vector<Undo> unsynced_;
    std::vector<Client*> clients_;
    std::map<std::string, ApiCall, std::less<>> api_calls_;
    std::uint64_t last_call_ = 0;
};

// A connection of one process. Requests block the fiber that makes them.
class Client final : public runtime::nats::NatsConnection {
 public:
    Client(Broker& broker, Process& process, Link& link);
    ~Client() override;

    Result<void> start(runtime::nats::ConnectionEvents events) override;
    runtime::nats::ConnectionStatus status() const override { return status_; }
    Result<void> publish(const runtime::nats::Message& message) override;
    Result<runtime::nats::Message> request(const runtime::nats::Message& message,
                                           runtime::nats::Milliseconds timeout) override;
    Result<runtime::nats::Subscription> subscribe(const std::string& subject,
                                                  runtime::nats::MessageHandler handler,
                                                  runtime::nats::SubscribeOptions options) override;
    Result<void> flush(runtime::nats::Milliseconds timeout) override;
    std::string new_inbox() override { return "_INBOX.simulated"; }
    void close() override { status_ = runtime::nats::ConnectionStatus::Closed; }

    void watch(std::string bucket, WatchHandlers handlers);
    // As after a reconnect.
    void restart_watches();

    // A planted bug: a direct get is answered with what it was answered first.
    void set_deaf(bool deaf) { deaf_ = deaf; }

    // What this side sends now reaches the server.
    [[nodiscard]] bool reaches() const;
    [[nodiscard]] Micros travel() const;
    [[nodiscard]] Process& process() { return process_; }
    [[nodiscard]] const Link& link() const { return link_; }

 private:
    friend class Broker;
    struct Listener {
        std::string filter;
        std::string queue;
        runtime::nats::MessageHandler handler;
    };
    struct Watching {
        std::string bucket;
        WatchHandlers handlers;
        std::uint64_t epoch = 0;
        bool live = false;
        bool restarting = false;
        Micros last_arrival = 0;
    };

    void try_connect();
    void connect_soon();
    void disconnect(const std::string& reason);
    void notice_cut();
    void begin_replay(std::size_t index);
    void replay_later(std::size_t index, Micros delay);
    void tell_watches(std::string_view bucket, std::string_view key, const Broker::Stored& stored);

    Broker& broker_;
    Process& process_;
    Link& link_;
    runtime::nats::ConnectionEvents events_;
    runtime::nats::ConnectionStatus status_ = runtime::nats::ConnectionStatus::Connecting;
    bool was_connected_ = false;
    bool connecting_ = false;
    bool noticing_ = false;
    bool deaf_ = false;
    std::map<std::string, runtime::nats::Message> first_answers_;
    Micros last_arrival_ = 0;
    std::vector<Listener> listeners_;
    std::vector<std::unique_ptr<Watching>> watches_;
};

}  // namespace harmony::simulation
