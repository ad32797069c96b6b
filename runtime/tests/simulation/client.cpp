// A connection to the model of the broker, from a process of the simulation.
#include <algorithm>

#include "broker.hpp"

namespace harmony::simulation {

namespace nats = runtime::nats;
using nats::ConnectionStatus;

namespace {

class EndedByConnection final : public nats::Subscription::State {
 public:
    void end() override {}
    [[nodiscard]] std::uint64_t dropped() const override { return 0; }
};

}  // namespace

Client::Client(Broker& broker, Process& process, Link& link)
    : broker_(broker), process_(process), link_(link) {
    broker_.join(*this);
}

Client::~Client() {
    broker_.leave(*this);
}

bool Client::reaches() const {
    return status_ == ConnectionStatus::Connected && !link_.cut && broker_.up();
}

Micros Client::travel() const {
    return link_.delay + (link_.jitter > 0 ? broker_.random().below(link_.jitter) : 0);
}

Result<void> Client::start(nats::ConnectionEvents events) {
    events_ = std::move(events);
    connect_soon();
    return {};
}

void Client::connect_soon() {
    if (connecting_ || status_ == ConnectionStatus::Connected || status_ == ConnectionStatus::Closed) return;
    connecting_ = true;
    process_.later(
        broker_.random().between(5 * kMillisecond, was_connected_ ? 5 * kSecond : 50 * kMillisecond), [this] {
            connecting_ = false;
            try_connect();
        });
}

// Where it can't, the server's return or the link's healing tries again.
void Client::try_connect() {
    if (status_ == ConnectionStatus::Connected || !broker_.up() || link_.cut) return;
    status_ = ConnectionStatus::Connected;
    broker_.history().add(Happened::Connected, link_.name);
    const nats::Connected how = was_connected_ ? nats::Connected::Again : nats::Connected::First;
    was_connected_ = true;
    if (events_.on_connected) events_.on_connected(how);
}

void Client::disconnect(const std::string& reason) {
    if (status_ != ConnectionStatus::Connected) return;
    status_ = ConnectionStatus::Reconnecting;
    broker_.history().add(Happened::Disconnected, link_.name, reason);
    for (const auto& watching : watches_) {
        watching->live = false;
        ++watching->epoch;
    }
    process_.enter([&] {
        if (events_.on_disconnected) events_.on_disconnected(Error(ErrorKind::Unavailable, reason));
    });
}

// Two unanswered pings, twenty seconds apart.
void Client::notice_cut() {
    if (noticing_ || status_ != ConnectionStatus::Connected) return;
    noticing_ = true;
    process_.later(broker_.random().between(10 * kSecond, 60 * kSecond), [this] {
        noticing_ = false;
        if (link_.cut) disconnect("the server does not answer");
    });
}

Result<void> Client::publish(const nats::Message& message) {
    process_.crash_point();
    if (!reaches() || broker_.random().chance(link_.loss)) return {};
    Broker* const broker = &broker_;
    const Link* const link = &link_;
    last_arrival_ = std::max(last_arrival_, broker_.scheduler().now() + travel());
    // Sent is sent: it arrives also where the process dies meanwhile.
    broker_.scheduler().at(last_arrival_, [broker, link, message] {
        if (!link->cut) broker->accept(message);
    });
    return {};
}

Result<nats::Message> Client::request(const nats::Message& message, nats::Milliseconds timeout) {
    const Micros patience = std::chrono::microseconds(timeout).count();
    const auto timed_out = [&]() -> Result<nats::Message> {
        process_.block(patience);
        return fail(ErrorKind::Timeout, "request on " + message.subject + ": no answer in time");
    };
    process_.crash_point();
    if (!reaches() || broker_.random().chance(link_.loss)) return timed_out();
    process_.block(travel());
    process_.crash_point();
    if (!reaches()) return timed_out();
    auto reply = broker_.serve(message);
    if (deaf_ && reply && message.subject.starts_with("$JS.API.DIRECT.GET."))
        reply = first_answers_.try_emplace(message.subject, *reply).first->second;
    // The answer is lost, and what was asked is done all the same.
    if (broker_.random().chance(link_.loss)) return timed_out();
    process_.block(travel());
    process_.crash_point();
    if (!reaches()) return timed_out();
    if (!reply) return fail(ErrorKind::NotFound, "request on " + message.subject + ": no responders");
    return *std::move(reply);
}

Result<nats::Subscription> Client::subscribe(const std::string& subject, nats::MessageHandler handler,
                                             nats::SubscribeOptions options) {
    listeners_.push_back({subject, options.queue_group, std::move(handler)});
    return nats::Subscription(std::make_shared<EndedByConnection>());
}

Result<void> Client::flush(nats::Milliseconds /*timeout*/) {
    if (reaches()) return {};
    return fail(ErrorKind::Unavailable, "flush: not connected");
}

void Client::watch(std::string bucket, WatchHandlers handlers) {
    auto watching = std::make_unique<Watching>();
    watching->bucket = std::move(bucket);
    watching->handlers = std::move(handlers);
    watches_.push_back(std::move(watching));
    replay_later(watches_.size() - 1, 10 * kMillisecond);
}

void Client::restart_watches() {
    for (std::size_t i = 0; i < watches_.size(); ++i)
        replay_later(i, travel());
}

void Client::replay_later(std::size_t index, Micros delay) {
    Watching& watching = *watches_[index];
    watching.live = false;
    ++watching.epoch;
    if (std::exchange(watching.restarting, true)) return;
    process_.later(delay, [this, index] {
        watches_[index]->restarting = false;
        begin_replay(index);
    });
}

void Client::begin_replay(std::size_t index) {
    Watching& watching = *watches_[index];
    const Broker::Bucket* bucket = reaches() ? broker_.bucket(watching.bucket) : nullptr;
    if (!bucket) {
        watching.handlers.on_trouble(Error(ErrorKind::Unavailable, watching.bucket));
        return replay_later(index, broker_.random().between(kSecond / 2, 10 * kSecond));
    }
    watching.live = true;
    watching.last_arrival = broker_.scheduler().now();
    std::vector<nats::Entry> entries;
    for (const auto& [key, stored] : bucket->entries) {
        const bool expired =
            bucket->time_to_live > 0 && stored.at + bucket->time_to_live < broker_.scheduler().now();
        if (!expired) entries.push_back({key, stored.value, stored.revision, stored.deleted});
    }
    std::sort(entries.begin(), entries.end(),
              [](const auto& a, const auto& b) { return a.revision < b.revision; });
    watching.handlers.on_replay();
    for (const nats::Entry& entry : entries)
        watching.handlers.on_entry(entry);
    watching.handlers.on_caught_up();
}

void Client::tell_watches(std::string_view bucket, std::string_view key, const Broker::Stored& stored) {
    for (std::size_t i = 0; i < watches_.size(); ++i) {
        Watching& watching = *watches_[i];
        if (!watching.live || watching.bucket != bucket) continue;
        if (!reaches() || broker_.random().chance(link_.loss)) {
            // The gap shows with the next entry, or by a missing sign of life.
            replay_later(i, broker_.random().between(100 * kMillisecond, 15 * kSecond));
            continue;
        }
        watching.last_arrival = std::max(watching.last_arrival, broker_.scheduler().now() + travel());
        nats::Entry entry{std::string(key), stored.value, stored.revision, stored.deleted};
        process_.later(watching.last_arrival - broker_.scheduler().now(),
                       [&watching, epoch = watching.epoch, entry = std::move(entry)] {
                           if (watching.live && watching.epoch == epoch) watching.handlers.on_entry(entry);
                       });
    }
}

}  // namespace harmony::simulation
