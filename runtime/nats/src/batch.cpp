#include <charconv>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "harmony/nats/key_value.hpp"
#include "jetstream_api.hpp"

namespace harmony::runtime::nats {
namespace {

class WindowedBatch final : public WriteBatch {
 public:
    WindowedBatch(NatsConnection& connection, BatchOptions options)
        : connection_(connection), options_(options), inbox_(connection.new_inbox()) {}

    Result<void> listen() {
        auto subscription =
            connection_.subscribe(inbox_ + ".*", [this](const Message& reply) { acknowledge(reply); });
        if (!subscription) return fail(subscription.error());
        subscription_ = std::move(*subscription);
        return {};
    }

    Result<void> put(std::string_view bucket, std::string_view key, std::string_view value) override {
        if (auto good = check_key(key); !good) return good;
        return write(
            {.subject = subject_of(bucket, key), .payload = std::string(value), .reply = {}, .headers = {}},
            key);
    }
    Result<void> del(std::string_view bucket, std::string_view key) override {
        if (auto good = check_key(key); !good) return good;
        return write(deletion_message(bucket, key), key);
    }

    BatchOutcome finish() override {
        std::unique_lock lock(mutex_);
        while (in_flight_ > 0) {
            if (!progress_within_deadline(lock)) break;
        }
        for (Write& write : window_) {
            if (!write.answered) {
                outcome_.failed.push_back(
                    {write.key, Error(ErrorKind::Timeout, "no acknowledgement in time")});
            }
        }
        first_ += window_.size();
        window_.clear();
        in_flight_ = 0;
        return std::exchange(outcome_, {});
    }

 private:
    struct Write {
        std::string key;
        bool answered = false;
    };

    Result<void> write(Message message, std::string_view key) {
        {
            std::unique_lock lock(mutex_);
            while (in_flight_ >= options_.max_in_flight) {
                if (!progress_within_deadline(lock)) {
                    return fail(ErrorKind::Timeout, "write to " + message.subject +
                                                        ": no acknowledgement for any of the " +
                                                        std::to_string(in_flight_) + " writes before it");
                }
            }
            message.reply = inbox_ + "." + std::to_string(first_ + window_.size());
            window_.push_back({std::string(key)});
            ++in_flight_;
        }
        auto sent = connection_.publish(message);
        if (sent) return {};
        // Only this thread appends, so the last one is still ours.
        const std::lock_guard lock(mutex_);
        window_.pop_back();
        --in_flight_;
        return sent;
    }

    // Waits until at least one more write is answered; false: none was for ack_timeout.
    bool progress_within_deadline(std::unique_lock<std::mutex>& lock) {
        const std::size_t before = in_flight_;
        return answered_.wait_for(lock, options_.ack_timeout, [&] { return in_flight_ < before; });
    }

    void acknowledge(const Message& reply) {
        std::uint64_t number = 0;
        const char* const digits = reply.subject.data() + inbox_.size() + 1;
        std::from_chars(digits, reply.subject.data() + reply.subject.size(), number);
        const std::lock_guard lock(mutex_);
        // Answers to writes that finish() gave up on.
        if (number < first_ || number >= first_ + window_.size()) return;
        Write& write = window_[number - first_];
        if (std::exchange(write.answered, true)) return;
        --in_flight_;
        record(reply, write.key);
        while (!window_.empty() && window_.front().answered) {
            window_.pop_front();
            ++first_;
        }
        answered_.notify_one();
    }

    void record(const Message& reply, const std::string& key) {
        // Parsing a hundred thousand acknowledgements a second would cost more than sending the writes.
        const bool plain = reply.headers.empty() && reply.payload.find("\"error\"") == std::string::npos;
        if (plain) {
            ++outcome_.written;
        } else if (auto ack = parse_ack(reply, key); ack) {
            ++outcome_.written;
        } else {
            outcome_.failed.push_back({key, ack.error()});
        }
    }

    NatsConnection& connection_;
    const BatchOptions options_;
    const std::string inbox_;

    std::mutex mutex_;
    std::condition_variable answered_;
    std::deque<Write> window_;
    std::uint64_t first_ = 0;  // the number of window_.front()
    std::size_t in_flight_ = 0;
    BatchOutcome outcome_;

    Subscription subscription_;  // last: it ends first
};

}  // namespace

Result<std::unique_ptr<WriteBatch>> WriteBatch::open(NatsConnection& connection, BatchOptions options) {
    auto batch = std::make_unique<WindowedBatch>(connection, options);
    if (auto listening = batch->listen(); !listening) return fail(listening.error());
    return batch;
}

}  // namespace harmony::runtime::nats
