#include "log_session.hpp"

#include <utility>

namespace harmony::runtime::fleet_client {

using contracts::CommandFailure;
using contracts::CommandFailureKind;

namespace {

constexpr std::chrono::milliseconds kCancelPoll{50};
constexpr int kNoResponders = 503;
// What may wait for a slow reader; the rest is dropped and shows as a gap in the sequence.
constexpr int kPendingMessages = 4096;
constexpr int kPendingBytes = 16 * 1024 * 1024;
constexpr std::size_t kQueuedMessages = 64;

}  // namespace

LogSession::LogSession(nats::NatsConnection& connection, const contracts::DeviceId& device,
                       contracts::LogsRequest request, const LogTimes& times, Publish publish,
                       std::function<std::string()> new_id)
    : connection_(connection),
      device_(device),
      request_(std::move(request)),
      times_(times),
      publish_(std::move(publish)),
      new_id_(std::move(new_id)) {}

tl::unexpected<CommandFailure> LogSession::failed(CommandFailureKind kind, const std::string& why) const {
    return tl::unexpected(CommandFailure{kind, std::nullopt, "device " + device_.str() + ": " + why});
}

CommandResult<void> LogSession::open() {
    id_ = new_id_();
    inbox_ = connection_.new_inbox();
    expected_ = 0;
    {
        const std::lock_guard lock(mutex_);
        open_ = true;
    }
    nats::SubscribeOptions options;
    options.max_pending_messages = kPendingMessages;
    options.max_pending_bytes = kPendingBytes;
    auto subscribed = connection_.subscribe(
        inbox_,
        [this](const nats::Message& message) {
            std::unique_lock lock(mutex_);
            // Waiting here lets the rest wait in the subscription, which is bounded.
            arrived_.wait(lock, [this] { return !open_ || messages_.size() < kQueuedMessages; });
            if (!open_) return;
            messages_.push_back(message);
            arrived_.notify_all();
        },
        options);
    if (!subscribed) return failed(CommandFailureKind::Transport, subscribed.error().text());
    subscription_ = *std::move(subscribed);
    request_.lease = contracts::FollowLease::Open;
    if (auto sent = publish_(id_, request_, inbox_); !sent) {
        return failed(CommandFailureKind::Transport, sent.error().text());
    }
    renew_at_ = Clock::now() + times_.renew_interval;
    return {};
}

std::optional<nats::Message> LogSession::next_message() {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, kCancelPoll, [this] { return !messages_.empty(); });
    if (messages_.empty()) return std::nullopt;
    auto message = std::move(messages_.front());
    messages_.pop_front();
    arrived_.notify_all();
    return message;
}

CommandResult<void> LogSession::run(LogSink& sink) {
    heard_ = Clock::now();
    if (auto opened = open(); !opened) return opened;
    for (;;) {
        if (sink.cancelled()) {
            end();
            return {};
        }
        if (const auto message = next_message()) {
            const auto next = handle(*message, sink);
            if (!next || *next == Next::End) end();
            if (!next) return tl::unexpected(next.error());
            if (*next == Next::End) return {};
            continue;
        }
        if (auto alive = keep_alive(); !alive) {
            end();
            return alive;
        }
    }
}

CommandResult<void> LogSession::keep_alive() {
    const auto now = Clock::now();
    if (!request_.follow || !answered_) {
        if (now < heard_ + times_.deadline) return {};
        return failed(CommandFailureKind::Timeout,
                      "no answer within " + std::to_string(times_.deadline.count()) + " ms");
    }
    if (now < renew_at_) return {};
    renew_at_ = now + times_.renew_interval;
    if (!std::exchange(missing_, false)) missing_since_.reset();
    request_.lease = contracts::FollowLease::Renew;
    // While the broker is away this fails, and the next one may not.
    (void)publish_(id_, request_, inbox_);
    return {};
}

void LogSession::end() {
    if (request_.follow && !inbox_.empty()) {
        request_.lease = contracts::FollowLease::End;
        (void)publish_(id_, request_, inbox_);
    }
    inbox_.clear();
    close_inbox();
}

// The handler may wait for room: it has to hear first that nothing is wanted any more.
void LogSession::close_inbox() {
    {
        const std::lock_guard lock(mutex_);
        open_ = false;
        messages_.clear();
        arrived_.notify_all();
    }
    subscription_.end();
}

CommandResult<LogSession::Next> LogSession::nobody() {
    if (!answered_) return failed(CommandFailureKind::DeviceOffline, "its agent is not connected");
    // It may be reconnecting: the renewals that follow find it, or time runs out.
    missing_ = true;
    if (!missing_since_) missing_since_ = Clock::now();
    if (Clock::now() < *missing_since_ + times_.patience) return Next::Go;
    return failed(CommandFailureKind::DeviceOffline, "its agent is not connected any more");
}

CommandResult<void> LogSession::start_again(LogSink& sink) {
    sink.restarted();
    close_inbox();
    if (captured_) request_.since = captured_;
    request_.lines = contracts::kLogsMaxLines;
    return open();
}

CommandResult<LogSession::Next> LogSession::refused(const contracts::RemoteError& error, LogSink& sink) {
    const bool forgotten = answered_ && request_.follow &&
                           error.kind == contracts::RemoteErrorKind::NotFound &&
                           request_.lease == contracts::FollowLease::Renew;
    if (forgotten) {
        if (auto opened = start_again(sink); !opened) return tl::unexpected(opened.error());
        return Next::Go;
    }
    return tl::unexpected(CommandFailure{CommandFailureKind::Agent, error.kind, error.message});
}

CommandResult<LogSession::Next> LogSession::handle(const nats::Message& message, LogSink& sink) {
    if (message.status() == kNoResponders) return nobody();
    const auto error = contracts::find_remote_error(message.payload);
    if (!error) return failed(CommandFailureKind::BadReply, error.error().text());
    heard_ = Clock::now();
    if (*error) return refused(**error, sink);
    const auto reply = contracts::LogsReply::decode(message.payload);
    if (!reply) return failed(CommandFailureKind::BadReply, reply.error().text());
    answered_ = true;
    captured_ = reply->captured_at;
    if (reply->sequence > expected_) sink.lost({reply->sequence - expected_});
    if (reply->sequence < expected_) return Next::Go;  // came twice
    expected_ = reply->sequence + 1;
    if (!sink.take(*reply)) return Next::End;
    if (!reply->end) return Next::Go;
    if (reply->end == contracts::LogsEnd::Complete || reply->end == contracts::LogsEnd::Stopped)
        return Next::End;
    if (!request_.follow)
        return failed(CommandFailureKind::Transport, "its agent stopped before all was sent");
    // The agent is being replaced, or lost sight of us: go on with what it is now.
    request_.lease = contracts::FollowLease::Renew;
    return Next::Go;
}

}  // namespace harmony::runtime::fleet_client
