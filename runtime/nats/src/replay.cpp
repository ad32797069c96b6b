#include "replay.hpp"

#include <array>
#include <charconv>

#include "jetstream_api.hpp"

namespace harmony::runtime::nats {
namespace {

using Json = nlohmann::json;

constexpr int kMissedHeartbeats = 3;
// How long the server keeps the consumer when nobody listens any more.
constexpr std::int64_t kInactiveThresholdNs = 10'000'000'000;

struct Delivery {
    std::uint64_t stream_sequence = 0;
    std::uint64_t consumer_sequence = 0;
    std::uint64_t pending = 0;
};

std::uint64_t number(std::string_view text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

// $JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time>.<pending>, or the longer form
// with domain and account hash after ACK and a random token at the end.
std::optional<Delivery> parse_delivery(std::string_view reply) {
    std::array<std::string_view, 16> tokens;
    std::size_t count = 0;
    while (count < tokens.size()) {
        const auto dot = reply.find('.');
        tokens[count++] = reply.substr(0, dot);
        if (dot == std::string_view::npos) break;
        reply.remove_prefix(dot + 1);
    }
    if (count < 9 || tokens[0] != "$JS" || tokens[1] != "ACK") return std::nullopt;
    const std::size_t shift = count >= 11 ? 2 : 0;
    return Delivery{number(tokens[5 + shift]), number(tokens[6 + shift]), number(tokens[8 + shift])};
}

}  // namespace

Replay::Replay(NatsConnection& connection, std::string bucket, const ReplayOptions& options)
    : connection_(connection), bucket_(std::move(bucket)), options_(options), inbox_(connection.new_inbox()) {
    consumer_ = inbox_.substr(inbox_.rfind('.') + 1);
}

Result<std::unique_ptr<Replay>> Replay::open(NatsConnection& connection, const std::string& bucket,
                                             const std::string& filter, const ReplayOptions& options) {
    std::unique_ptr<Replay> replay(new Replay(connection, bucket, options));
    Replay* const raw = replay.get();
    auto subscription = connection.subscribe(raw->inbox_, [raw](const Message& m) { raw->enqueue(m); });
    if (!subscription) return fail(subscription.error());
    replay->subscription_ = std::move(*subscription);
    if (auto created = replay->create_consumer(filter); !created) {
        return fail(created.error().wrap("watch bucket " + bucket));
    }
    return replay;
}

Replay::~Replay() {
    subscription_.end();
    // Only a courtesy: the server removes it anyway once nobody listens.
    const auto ignored =
        connection_.publish({.subject = "$JS.API.CONSUMER.DELETE." + stream_of(bucket_) + "." + consumer_,
                             .payload = {},
                             .reply = {},
                             .headers = {}});
    static_cast<void>(ignored);
}

Result<void> Replay::create_consumer(const std::string& filter) {
    const std::string subject = subject_of(bucket_, filter);
    const Json config = {
        {"name", consumer_},
        {"deliver_policy", "last_per_subject"},
        {"ack_policy", "none"},
        {"replay_policy", "instant"},
        {"deliver_subject", inbox_},
        {"filter_subject", subject},
        {"flow_control", true},
        {"idle_heartbeat", std::chrono::nanoseconds(options_.idle_heartbeat).count()},
        {"headers_only", options_.keys_only},
        {"mem_storage", true},
        {"num_replicas", 1},
        {"inactive_threshold", kInactiveThresholdNs},
    };
    const std::string stream = stream_of(bucket_);
    auto created = api_request(
        connection_, "$JS.API.CONSUMER.CREATE." + stream + "." + consumer_ + "." + subject,
        {{"stream_name", stream}, {"config", config}, {"action", "create"}}, options_.request_timeout);
    if (!created) return fail(created.error());
    // What was delivered before the answer was written is no longer pending.
    expected_ = created->value("num_pending", std::uint64_t{0});
    if (const auto delivered = created->find("delivered");
        delivered != created->end() && delivered->is_object()) {
        expected_ += delivered->value("consumer_seq", std::uint64_t{0});
    }
    return {};
}

void Replay::enqueue(const Message& message) {
    {
        const std::lock_guard lock(mutex_);
        if (queue_.size() >= options_.max_queued_messages) {
            overflowed_ = true;
        } else {
            queue_.push_back(message);
        }
    }
    filled_.notify_one();
}

void Replay::interrupt() {
    {
        const std::lock_guard lock(mutex_);
        interrupted_ = true;
    }
    filled_.notify_one();
}

bool Replay::complete_now() {
    if (caught_up_) return false;
    caught_up_ = last_pending_zero_ || last_consumer_sequence_ >= expected_;
    return caught_up_;
}

Result<Replay::Step> Replay::next() {
    while (true) {
        if (complete_now()) return Step{StepKind::CaughtUp, {}};
        Message message;
        {
            std::unique_lock lock(mutex_);
            filled_.wait_for(lock, kMissedHeartbeats * options_.idle_heartbeat,
                             [&] { return interrupted_ || !queue_.empty(); });
            if (std::exchange(interrupted_, false)) return Step{StepKind::Interrupted, {}};
            if (queue_.empty()) {
                return fail(ErrorKind::Unavailable,
                            "watch on " + bucket_ +
                                (overflowed_ ? ": messages were lost" : ": the server fell silent"));
            }
            message = std::move(queue_.front());
            queue_.pop_front();
        }
        auto step = take(message);
        if (!step) return fail(step.error());
        if (*step) return std::move(**step);
    }
}

Result<std::optional<Replay::Step>> Replay::take(const Message& message) {
    if (const int status = message.status(); status != 0) return take_status(message, status);
    auto entry = take_entry(message);
    if (!entry) return fail(entry.error());
    return std::optional<Step>(std::move(*entry));
}

Result<std::optional<Replay::Step>> Replay::take_status(const Message& message, int status) {
    if (status != 100) {
        return fail(ErrorKind::Unavailable, "watch on " + bucket_ + ": the server ended it with " +
                                                std::to_string(status) + " " +
                                                std::string(message.header("Description").value_or("")));
    }
    // Flow control: everything before this message has been handled, so the server may send more.
    std::string answer_to = message.reply;
    const auto stalled = message.header("Nats-Consumer-Stalled");
    if (stalled) answer_to = *stalled;
    if (!answer_to.empty()) {
        auto sent = connection_.publish({.subject = answer_to, .payload = {}, .reply = {}, .headers = {}});
        if (!sent) return fail(ErrorKind::Unavailable, "watch on " + bucket_ + ": " + sent.error().text());
    }
    if (const auto last = message.header("Nats-Last-Consumer")) {
        if (number(*last) != last_consumer_sequence_) {
            return fail(ErrorKind::Unavailable, "watch on " + bucket_ + ": messages were lost");
        }
        // Unless it waits for an answer of ours the server idles, so nothing is left to replay: an entry
        // counted at the start has expired.
        if (!stalled) last_pending_zero_ = true;
    }
    return std::optional<Step>{};
}

Result<Replay::Step> Replay::take_entry(const Message& message) {
    const auto delivery = parse_delivery(message.reply);
    const std::string prefix = subject_of(bucket_, "");
    if (!delivery || message.subject.compare(0, prefix.size(), prefix) != 0) {
        return fail(ErrorKind::Unavailable, "watch on " + bucket_ + ": a message that is no entry arrived");
    }
    if (delivery->consumer_sequence != last_consumer_sequence_ + 1) {
        return fail(ErrorKind::Unavailable, "watch on " + bucket_ + ": messages were lost");
    }
    last_consumer_sequence_ = delivery->consumer_sequence;
    last_pending_zero_ = delivery->pending == 0;
    return Step{StepKind::Entry,
                {.key = message.subject.substr(prefix.size()),
                 .value = message.payload,
                 .revision = delivery->stream_sequence,
                 .deleted = is_deletion(message)}};
}

}  // namespace harmony::runtime::nats
