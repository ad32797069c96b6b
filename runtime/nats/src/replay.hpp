// One ordered pass over a bucket, and what follows it live, through a push consumer that acknowledges
// nothing.
//
// Reports instead of repairing: a gap, a silence or a consumer that is gone ends the pass with an error, and
// whoever reads it opens another.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "harmony/nats/key_value.hpp"

namespace harmony::runtime::nats {

struct ReplayOptions {
    Milliseconds request_timeout{5'000};
    Milliseconds idle_heartbeat{5'000};
    std::size_t max_queued_messages = 131'072;
    bool keys_only = false;
};

class Replay {
 public:
    enum class StepKind { Entry, CaughtUp, Interrupted };
    struct Step {
        StepKind kind = StepKind::Interrupted;
        Entry entry;
    };

    static Result<std::unique_ptr<Replay>> open(NatsConnection& connection, const std::string& bucket,
                                                const std::string& filter, const ReplayOptions& options);
    ~Replay();
    Replay(const Replay&) = delete;
    Replay& operator=(const Replay&) = delete;

    // Blocks for the next step. Unavailable: the pass is broken (lost messages, silence, consumer gone).
    Result<Step> next();
    // Wakes next(), which then returns Interrupted. Any thread.
    void interrupt();

 private:
    Replay(NatsConnection& connection, std::string bucket, const ReplayOptions& options);

    void enqueue(const Message& message);
    Result<void> create_consumer(const std::string& filter);
    Result<std::optional<Step>> take(const Message& message);
    Result<std::optional<Step>> take_status(const Message& message, int status);
    Result<Step> take_entry(const Message& message);
    bool complete_now();

    NatsConnection& connection_;
    const std::string bucket_;
    const ReplayOptions options_;
    std::string inbox_;
    std::string consumer_;
    std::uint64_t expected_ = 0;  // entries in the bucket when the pass began
    std::uint64_t last_consumer_sequence_ = 0;
    bool last_pending_zero_ = false;
    bool caught_up_ = false;

    std::mutex mutex_;
    std::condition_variable filled_;
    std::deque<Message> queue_;
    bool overflowed_ = false;
    bool interrupted_ = false;

    Subscription subscription_;  // last: it ends first
};

}  // namespace harmony::runtime::nats
