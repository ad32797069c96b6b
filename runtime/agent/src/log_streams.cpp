#include "harmony/agent/log_streams.hpp"

#include <malloc.h>

#include "harmony/daemon/logging.hpp"

namespace harmony::agent {

namespace podman = runtime::podman;
using contracts::LogsEnd;
using contracts::LogsEvent;
using contracts::LogsReply;
using contracts::LogsRequest;

namespace {

constexpr runtime::daemon::Logger kLog("logs");
// Of one stream, before it is another one's turn.
constexpr int kRepliesPerTurn = 32;
constexpr std::size_t kThreads = contracts::kMaxFollows + kMaxTails + contracts::kMaxLogSources + 1;

std::int64_t since_of(const LogsRequest& request) {
    return request.since ? request.since->seconds() : 0;
}

}  // namespace

// What one request has become. Guarded by LogStreams::mutex_ but for what is constant.
struct LogStreams::Stream {
    Stream(std::string id_, LogsRequest request_, StreamLease lease_)
        : id(std::move(id_)),
          request(std::move(request_)),
          lease(std::move(lease_)),
          buffer(contracts::kFollowBufferBytes) {}

    const std::string id;
    const LogsRequest request;
    std::stop_source stop;
    StreamLease lease;
    FollowBuffer buffer;
    std::int64_t sequence = 0;
    std::optional<LogsEnd> end;  // why it shall end
    bool flowing = false;        // its last lines are out; what follows goes through the buffer
    bool over = false;           // its last reply is out
};

LogStreams::LogStreams(LogOptions options, runtime::nats::NatsConnection& connection, RuntimeFactory runtimes,
                       const Clock& clock, runtime::daemon::MetricsRegistry& metrics)
    : options_(std::move(options)),
      connection_(connection),
      runtimes_(std::move(runtimes)),
      clock_(clock),
      replies_(metrics.counter("harmony_agent_log_replies_total", "Replies with log lines")),
      lost_(metrics.counter("harmony_agent_log_lines_lost_total",
                            "Followed lines that were dropped because they came faster than they left")),
      following_(metrics.gauge("harmony_agent_log_streams", "Streams of log lines that are followed now")),
      work_(kThreads) {}

Result<void> LogStreams::begin(const CommandCall& call) {
    const auto request = LogsRequest::decode(call.payload);
    if (!request) return fail(request.error());
    if (!options_.runtime_enabled) {
        return fail(ErrorKind::Unavailable,
                    "this device runs no containers (agent.runtime_enabled is false in its configuration)");
    }
    if (request->follow && call.headers.request_id.empty()) {
        return fail(ErrorKind::InvalidInput, std::string(contracts::kRequestIdHeader) +
                                                 ": missing, expected an id for lines that are followed");
    }
    if (request->lease != contracts::FollowLease::Open) return touch(*request, call);
    return open(*request, call);
}

Result<void> LogStreams::touch(const LogsRequest& request, const CommandCall& call) {
    const std::lock_guard lock(mutex_);
    const auto found = streams_.find(call.headers.request_id);
    if (found == streams_.end()) {
        return fail(ErrorKind::NotFound, "nothing is followed for this request any more");
    }
    found->second->lease.renew(call.reply, clock_.steady());
    if (request.lease == contracts::FollowLease::End && !found->second->end)
        found->second->end = LogsEnd::Stopped;
    changed_.notify_all();
    return {};
}

Result<void> LogStreams::open(const LogsRequest& request, const CommandCall& call) {
    const std::lock_guard lock(mutex_);
    const auto known = streams_.find(call.headers.request_id);
    if (request.follow && known != streams_.end()) {
        known->second->lease.renew(call.reply, clock_.steady());
        return {};
    }
    if (request.follow && streams_.size() >= contracts::kMaxFollows) {
        return fail(ErrorKind::PermissionDenied,
                    std::to_string(streams_.size()) +
                        " streams are followed on this device already, the most it "
                        "allows; end one, or try without following");
    }
    if (tails_ >= kMaxTails) {
        return fail(ErrorKind::PermissionDenied,
                    "too many requests for logs at once on this device; try again");
    }
    auto stream =
        std::make_shared<Stream>(call.headers.request_id, request, StreamLease(call.reply, clock_.steady()));
    if (!work_.run("logs", [this, stream](std::stop_token stop) { serve(stream, stop); })) {
        return fail(ErrorKind::Unavailable, "this device has no thread left for it; try again");
    }
    ++tails_;
    if (!request.follow) return {};
    streams_.emplace(stream->id, stream);
    following_.set(static_cast<double>(streams_.size()));
    if (!sender_runs_) {
        sender_runs_ = work_.run("log-sender", [this](std::stop_token stop) { run_sender(stop); });
    }
    return {};
}

void LogStreams::serve(const StreamPtr& stream, const std::stop_token& stop) {
    const std::stop_callback pass_on(stop, [&] { stream->stop.request_stop(); });
    const auto sent = send_tails(stream, stop);
    if (!sent) {
        give_up(stream, sent.error());
    } else if (!stream->request.follow) {
        finish(stream, stop.stop_requested() ? LogsEnd::AgentStopping : LogsEnd::Complete);
    }
    const std::lock_guard lock(mutex_);
    --tails_;
    stream->flowing = true;
    changed_.notify_all();
}

Result<void> LogStreams::send_tails(const StreamPtr& stream, const std::stop_token& stop) {
    const auto runtime = runtimes_();
    const auto services =
        find_services(*runtime, options_.device, stream->request.deployment, stream->request.service);
    if (!services) return fail(services.error());
    const auto places = stream->request.follow ? take_places(services->size()) : Places{};
    if (!places) return fail(places.error());
    auto place = places->begin();
    for (const ServiceContainer& source : *services) {
        if (stop.stop_requested() || stream->stop.stop_requested()) return {};
        auto position = send_tail(stream, source, *runtime);
        if (!position) return fail(position.error());
        if (!stream->request.follow) continue;
        if (!*position) {
            abandon(stream);
            return {};
        }
        const bool begun =
            work_.run("log-reader", [this, stream, source, at = **position, taken = *place++](
                                        std::stop_token ending) { follow(stream, source, at, ending); });
        if (!begun) return fail(ErrorKind::Unavailable, "this device has no thread left for it; try again");
    }
    return {};
}

// All or none, each until the last copy of it goes; not to be let go of under the mutex.
Result<LogStreams::Places> LogStreams::take_places(std::size_t count) {
    const std::lock_guard lock(mutex_);
    if (sources_ + count > contracts::kMaxLogSources) {
        return fail(ErrorKind::PermissionDenied,
                    "this device lets " + std::to_string(contracts::kMaxLogSources) +
                        " containers be followed at once, and " + std::to_string(sources_) + " are already");
    }
    Places places;
    for (std::size_t taken = 0; taken < count; ++taken) {
        places.emplace_back(nullptr, [this](void*) {
            const std::lock_guard guard(mutex_);
            --sources_;
        });
        ++sources_;
    }
    return places;
}

// Nothing: whoever asked gets no more of it.
Result<std::optional<podman::LogPosition>> LogStreams::send_tail(const StreamPtr& stream,
                                                                 const ServiceContainer& source,
                                                                 podman::ContainerRuntime& runtime) {
    const auto tail =
        runtime.logs(source.container.id, {.lines = static_cast<std::size_t>(stream->request.lines),
                                           .since = since_of(stream->request),
                                           .max_bytes = contracts::kLogsTailBytes,
                                           .max_line_bytes = contracts::kLogsMaxLineBytes});
    if (!tail) return fail(tail.error());
    const LogSource name{source.container.name, source.service};
    if (!send_lines(stream, name, *tail)) return std::optional<podman::LogPosition>{};
    return std::optional(tail->position);
}

bool LogStreams::send_lines(const StreamPtr& stream, const LogSource& source, const podman::LogTail& tail) {
    std::size_t next = 0;
    do {
        LogsReply reply;
        reply.source = source.container;
        reply.service = source.service;
        reply.truncated = tail.truncated;
        std::size_t bytes = 0;
        while (next < tail.lines.size() && bytes < kTailReplyBytes) {
            const podman::LogLine& line = tail.lines[next++];
            reply.lines.push_back(contracts::log_line_text(line.text, line.bytes));
            bytes += line.text.size() + FollowBuffer::kItemBytes;
        }
        if (!send(*stream, std::move(reply))) return false;
    } while (next < tail.lines.size());
    return true;
}

void LogStreams::tell(const StreamPtr& stream, const LogSource& source, LogsEvent event) {
    const std::lock_guard lock(mutex_);
    stream->buffer.push_event(source, event);
}

void LogStreams::follow(const StreamPtr& stream, ServiceContainer source, podman::LogPosition at,
                        const std::stop_token& stop) {
    const std::stop_callback pass_on(stop, [&] { stream->stop.request_stop(); });
    const auto runtime = runtimes_();
    while (!stream->stop.stop_requested()) {
        const LogSource name{source.container.name, source.service};
        const auto followed = runtime->follow_logs(
            source.container.id, at, contracts::kLogsMaxLineBytes,
            [&](const podman::LogLine& line, const podman::LogPosition& position) {
                at = position;
                auto text = contracts::log_line_text(line.text, line.bytes);
                const std::lock_guard lock(mutex_);
                stream->buffer.push_line(name, std::move(text), line.bytes > line.text.size());
                if (stream->buffer.bytes() > kFollowReplyBytes) changed_.notify_all();
                return !stream->stop.stop_requested();
            },
            stream->stop.get_token());
        if (stream->stop.stop_requested()) break;
        const bool ended = followed || followed.error().kind() == ErrorKind::NotFound;
        if (!ended) kLog.debug("lines are interrupted", {{"error", followed.error().text()}});
        tell(stream, name, ended ? LogsEvent::Ended : LogsEvent::Interrupted);
        auto next = successor(*stream, source, !ended, *runtime);
        if (!next) break;
        if (next->container.id != source.container.id) at = {};
        source = *std::move(next);
        tell(stream, {source.container.name, source.service}, LogsEvent::Resumed);
    }
}

// The service's container once it runs, this one again or another. What was interrupted is taken up also
// where the container has ended meanwhile: its last lines are still to be read. Nothing: the stream ends.
std::optional<ServiceContainer> LogStreams::successor(Stream& stream, const ServiceContainer& previous,
                                                      bool interrupted, podman::ContainerRuntime& runtime) {
    while (pause(stream, kSuccessorPoll)) {
        if (interrupted) {
            auto same = runtime.inspect(previous.container.id);
            if (same) return ServiceContainer{previous.service, *std::move(same)};
            if (same.error().kind() != ErrorKind::NotFound) continue;
        }
        const auto found =
            find_services(runtime, options_.device, stream.request.deployment, previous.service);
        if (found && found->front().running()) return found->front();
    }
    return std::nullopt;
}

bool LogStreams::pause(Stream& stream, std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stream.stop.get_token(), time, [] { return false; });
    return !stream.stop.stop_requested();
}

void LogStreams::run_sender(const std::stop_token& stop) {
    for (;;) {
        std::vector<StreamPtr> due;
        {
            std::unique_lock lock(mutex_);
            // Asked to stop, it still tells whoever follows; what is left after that ends with the agent.
            if (!stop.stop_requested()) changed_.wait_for(lock, stop, kFollowGather, [] { return false; });
            if (streams_.empty()) {
                sender_runs_ = false;
                lock.unlock();
                malloc_trim(0);  // the buffers' memory, for a device that idles again
                return;
            }
            for (const auto& [id, stream] : streams_) {
                if (stop.stop_requested() && !stream->end) stream->end = LogsEnd::AgentStopping;
                if (!stream->end && stream->lease.expired(clock_.steady()))
                    stream->end = LogsEnd::LeaseExpired;
                due.push_back(stream);
            }
        }
        for (const StreamPtr& stream : due)
            flush(stream);
    }
}

void LogStreams::flush(const StreamPtr& stream) {
    for (int turn = 0; turn < kRepliesPerTurn; ++turn) {
        std::optional<LogsReply> reply;
        std::optional<LogsEnd> end;
        {
            const std::lock_guard lock(mutex_);
            const bool connected = connection_.status() == runtime::nats::ConnectionStatus::Connected;
            if (connected && stream->flowing && stream->lease.may_send()) {
                reply = stream->buffer.take(kFollowReplyBytes);
            }
            if (!reply) end = stream->end;
        }
        if (!reply && end) return finish(stream, *end);
        if (!reply) return;
        const LogSource source{reply->source, reply->service.value_or("")};
        const auto lines = static_cast<std::int64_t>(reply->lines.size()) + reply->lost_lines;
        const auto lost = static_cast<std::uint64_t>(reply->lost_lines);
        if (send(*stream, *std::move(reply))) {
            lost_.add(lost);
            continue;
        }
        const std::lock_guard lock(mutex_);
        stream->buffer.note_lost(source, lines);
        return;
    }
}

// False: it was not handed to the connection, or nothing more may be sent for this request.
bool LogStreams::send(Stream& stream, LogsReply reply) {
    runtime::nats::Message message;
    {
        const std::lock_guard lock(mutex_);
        if (stream.over || (!stream.lease.may_send() && !reply.end)) return false;
        stream.over = reply.end.has_value();
        message.subject = stream.lease.send();
        reply.sequence = stream.sequence++;
    }
    reply.captured_at = clock_.wall();
    message.payload = reply.encode();
    if (auto sent = connection_.publish(message); !sent) {
        kLog.debug("log lines could not be sent", {{"error", sent.error().text()}});
        const std::lock_guard lock(mutex_);
        --stream.sequence;
        return false;
    }
    replies_.add();
    return true;
}

void LogStreams::finish(const StreamPtr& stream, LogsEnd end) {
    LogsReply last;
    last.source = stream->request.deployment.str();
    last.end = end;
    (void)send(*stream, std::move(last));
    forget(stream);
}

void LogStreams::give_up(const StreamPtr& stream, const Error& why) {
    runtime::nats::Message message;
    {
        const std::lock_guard lock(mutex_);
        if (std::exchange(stream->over, true)) return;
        message.subject = stream->lease.send();
    }
    message.payload = contracts::RemoteError::from_error(why).encode();
    kLog.info("no logs", {{"deployment", stream->request.deployment.str()}, {"reason", why.text()}});
    (void)connection_.publish(message);
    forget(stream);
}

// Its next renewal is answered that nothing is followed, and whoever asks begins anew.
void LogStreams::abandon(const StreamPtr& stream) {
    {
        const std::lock_guard lock(mutex_);
        stream->over = true;
    }
    forget(stream);
}

void LogStreams::forget(const StreamPtr& stream) {
    stream->stop.request_stop();
    const std::lock_guard lock(mutex_);
    const auto found = streams_.find(stream->id);
    if (found != streams_.end() && found->second == stream) streams_.erase(found);
    following_.set(static_cast<double>(streams_.size()));
    changed_.notify_all();
}

void LogStreams::connection_changed() {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, stream] : streams_)
        stream->lease.connection_changed();
}

bool LogStreams::stop(std::chrono::milliseconds patience) {
    {
        const std::lock_guard lock(mutex_);
        changed_.notify_all();
    }
    return work_.stop(patience);
}

std::size_t LogStreams::followed() const {
    const std::lock_guard lock(mutex_);
    return streams_.size();
}

}  // namespace harmony::agent
