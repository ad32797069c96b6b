#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>

#include "harmony/nats/key_value.hpp"
#include "replay.hpp"

namespace harmony::runtime::nats {
namespace {

class ReplayingWatch final : public Watch {
 public:
    ReplayingWatch(NatsConnection& connection, std::string bucket, std::string filter, WatchHandlers handlers,
                   WatchOptions options)
        : connection_(connection),
          bucket_(std::move(bucket)),
          filter_(std::move(filter)),
          handlers_(std::move(handlers)),
          options_(options),
          thread_([this] { run(); }) {}

    ~ReplayingWatch() override {
        wake(true);
        thread_.join();
    }

    std::uint64_t replays() const override { return replays_; }
    void restart() override { wake(false); }

 private:
    void wake(bool stop) {
        const std::lock_guard lock(mutex_);
        if (stop) stopping_ = true;
        restart_wanted_ = true;
        woken_.notify_all();
        if (current_ != nullptr) current_->interrupt();
    }

    void run() {
        int attempt = 0;
        while (true) {
            auto ended = follow(attempt);
            if (stopping_) return;
            if (!ended && handlers_.on_trouble) handlers_.on_trouble(ended.error());
            if (!ended) pause(++attempt);
            if (stopping_) return;
        }
    }

    // One consumer's life. Success: a restart or stop was asked for.
    Result<void> follow(int& attempt) {
        {
            const std::lock_guard lock(mutex_);
            restart_wanted_ = false;
        }
        auto opened = Replay::open(connection_, bucket_, filter_,
                                   {.request_timeout = options_.request_timeout,
                                    .idle_heartbeat = options_.idle_heartbeat,
                                    .max_queued_messages = options_.max_queued_messages});
        if (!opened) return fail(opened.error());
        const std::unique_ptr<Replay> replay = std::move(*opened);
        if (!make_current(replay.get())) return {};
        ++replays_;
        if (handlers_.on_replay) handlers_.on_replay();
        auto ended = deliver(*replay, attempt);
        make_current(nullptr);
        return ended;
    }

    // False where a stop or restart came before there was anything to interrupt.
    bool make_current(Replay* replay) {
        const std::lock_guard lock(mutex_);
        current_ = replay;
        if (replay != nullptr && restart_wanted_) current_ = nullptr;
        return current_ == replay;
    }

    Result<void> deliver(Replay& replay, int& attempt) {
        while (true) {
            auto step = replay.next();
            if (!step) return fail(step.error());
            switch (step->kind) {
                case Replay::StepKind::Interrupted:
                    return {};
                case Replay::StepKind::CaughtUp:
                    attempt = 0;
                    if (handlers_.on_caught_up) handlers_.on_caught_up();
                    break;
                case Replay::StepKind::Entry:
                    if (handlers_.on_entry) handlers_.on_entry(step->entry);
                    break;
            }
        }
    }

    void pause(int attempt) {
        const double random = std::uniform_real_distribution<double>(0, 1)(random_);
        const auto delay = reconnect_delay(
            {.first_delay = options_.retry_first, .max_delay = options_.retry_max}, attempt, random);
        std::unique_lock lock(mutex_);
        woken_.wait_for(lock, delay, [&] { return restart_wanted_; });
    }

    NatsConnection& connection_;
    const std::string bucket_;
    const std::string filter_;
    const WatchHandlers handlers_;
    const WatchOptions options_;

    std::mutex mutex_;
    std::condition_variable woken_;
    Replay* current_ = nullptr;
    bool restart_wanted_ = false;
    std::atomic<bool> stopping_ = false;
    std::atomic<std::uint64_t> replays_ = 0;
    std::minstd_rand random_{std::random_device{}()};

    std::thread thread_;  // last: everything above exists before it runs
};

}  // namespace

std::unique_ptr<Watch> KeyValue::watch(std::string filter, WatchHandlers handlers, WatchOptions options) {
    return std::make_unique<ReplayingWatch>(connection_, bucket_, std::move(filter), std::move(handlers),
                                            options);
}

}  // namespace harmony::runtime::nats
