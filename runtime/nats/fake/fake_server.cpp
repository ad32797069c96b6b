#include <algorithm>

#include "fake_broker.hpp"

namespace harmony::runtime::nats {

std::shared_ptr<FakeNatsServer> FakeNatsServer::create() {
    return std::make_shared<FakeBroker>();
}

bool FakeSubscription::deliver(const Message& message) {
    const std::lock_guard lock(running_);
    if (!active_) return false;
    handler_(message);
    return true;
}

void FakeSubscription::end() {
    const std::lock_guard lock(running_);
    active_ = false;
}

std::vector<Message> FakeBroker::published() const {
    const std::lock_guard lock(mutex_);
    return published_;
}

std::vector<Message> FakeBroker::published(std::string_view filter) const {
    std::vector<Message> matching = published();
    std::erase_if(matching, [&](const Message& m) { return !subject_matches(filter, m.subject); });
    return matching;
}

void FakeBroker::forget_published() {
    const std::lock_guard lock(mutex_);
    published_.clear();
}

void FakeBroker::stop() {
    {
        const std::lock_guard lock(mutex_);
        if (!running_) return;
        running_ = false;
    }
    for (const auto& client : clients())
        client->tell_disconnected();
}

void FakeBroker::restart(bool lose_memory) {
    stop();
    {
        const std::lock_guard lock(mutex_);
        running_ = true;
        for (auto& [name, bucket] : buckets_) {
            bucket.consumers.clear();
            if (lose_memory && bucket.config.value("storage", "") == "memory") bucket.entries.clear();
        }
    }
    for (const auto& client : clients())
        client->tell_connected();
}

void FakeBroker::fail_publish(std::string_view filter, int nth, ErrorKind kind) {
    const std::lock_guard lock(mutex_);
    failures_.push_back({std::string(filter), nth, kind});
}

void FakeBroker::drop(std::string_view filter) {
    const std::lock_guard lock(mutex_);
    dropped_ = filter;
}

void FakeBroker::deny(std::string_view filter) {
    const std::lock_guard lock(mutex_);
    denied_.emplace(filter);
}

bool FakeBroker::join(const std::shared_ptr<FakeClient>& client) {
    const std::lock_guard lock(mutex_);
    clients_.push_back(client);
    return running_;
}

void FakeBroker::listen(const std::shared_ptr<FakeSubscription>& subscription) {
    const std::lock_guard lock(mutex_);
    // Ended ones are also alone: their owner has let go of them.
    std::erase_if(subscriptions_,
                  [](const auto& known) { return known.use_count() == 1 && !known->active(); });
    subscriptions_.push_back(subscription);
}

bool FakeBroker::denies(const std::string& subject) const {
    const std::lock_guard lock(mutex_);
    return std::any_of(denied_.begin(), denied_.end(),
                       [&](const std::string& filter) { return subject_matches(filter, subject); });
}

bool FakeBroker::running() const {
    const std::lock_guard lock(mutex_);
    return running_;
}

std::string FakeBroker::unique_token() {
    const std::lock_guard lock(mutex_);
    return "t" + std::to_string(++last_token_);
}

Result<Delivered> FakeBroker::accept(const Message& message) {
    Outbox outbox;
    bool taken = false;
    {
        const std::lock_guard lock(mutex_);
        if (!running_)
            return fail(ErrorKind::Unavailable, "publish on " + message.subject + ": not connected");
        for (PlannedFailure& failure : failures_) {
            if (subject_matches(failure.filter, message.subject) && --failure.remaining == 0) {
                return fail(failure.kind, "publish on " + message.subject + ": planned failure");
            }
        }
        for (const std::string& filter : denied_) {
            if (subject_matches(filter, message.subject)) return Delivered::Denied;
        }
        published_.push_back(message);
        if (!dropped_.empty() && subject_matches(dropped_, message.subject)) return Delivered::Dropped;
        taken = take_write(message, outbox) || take_api_call(message, outbox);
    }
    const bool heard = route(message.subject, message);
    send_all(outbox);
    return taken || heard ? Delivered::Yes : Delivered::NobodyListens;
}

bool FakeBroker::route(const std::string& subject, const Message& message) {
    std::vector<std::shared_ptr<FakeSubscription>> receivers;
    {
        const std::lock_guard lock(mutex_);
        std::set<std::string> served_queues;
        for (const auto& subscription : subscriptions_) {
            if (!subject_matches(subscription->filter, subject) || !subscription->active()) continue;
            if (!subscription->queue.empty() && !served_queues.insert(subscription->queue).second) continue;
            receivers.push_back(subscription);
        }
    }
    bool heard = false;
    for (const auto& receiver : receivers)
        heard = receiver->deliver(message) || heard;
    return heard;
}

void FakeBroker::send_all(const Outbox& outbox) {
    for (const Outgoing& outgoing : outbox)
        route(outgoing.route, outgoing.message);
}

std::vector<std::shared_ptr<FakeClient>> FakeBroker::clients() {
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<FakeClient>> alive;
    for (const auto& weak : clients_) {
        if (auto client = weak.lock()) alive.push_back(std::move(client));
    }
    return alive;
}

}  // namespace harmony::runtime::nats
