#include "harmony/agent/background_work.hpp"

#include <pthread.h>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

#include "harmony/daemon/logging.hpp"

namespace harmony::agent {

namespace {

constexpr runtime::daemon::Logger kLog("work");

}  // namespace

struct BackgroundWork::State {
    explicit State(std::size_t max_threads) : limit(max_threads) {}

    const std::size_t limit;
    mutable std::mutex mutex;
    std::condition_variable ended;
    std::size_t running = 0;
    std::stop_source stop;
};

BackgroundWork::BackgroundWork(std::size_t max_threads) : state_(std::make_shared<State>(max_threads)) {}

BackgroundWork::~BackgroundWork() {
    state_->stop.request_stop();
    std::unique_lock lock(state_->mutex);
    state_->ended.wait(lock, [&] { return state_->running == 0; });
}

bool BackgroundWork::run(const char* name, Work work) {
    {
        const std::lock_guard lock(state_->mutex);
        if (state_->stop.stop_requested() || state_->running >= state_->limit) return false;
        ++state_->running;
    }
    const auto leave = [](State& state) {
        const std::lock_guard lock(state.mutex);
        --state.running;
        state.ended.notify_all();
    };
    try {
        std::thread([state = state_, name, work = std::move(work), leave]() mutable {
            pthread_setname_np(pthread_self(), name);
            try {
                work(state->stop.get_token());
            } catch (const std::exception& error) {
                kLog.error("work ended by an exception", {{"work", name}, {"error", error.what()}});
            }
            work = nullptr;  // what it holds goes before anybody is told that it has ended
            leave(*state);
        }).detach();
    } catch (const std::system_error& error) {
        kLog.warning("no thread for it", {{"work", name}, {"error", error.what()}});
        leave(*state_);
        return false;
    }
    return true;
}

bool BackgroundWork::stop(std::chrono::milliseconds patience) {
    state_->stop.request_stop();
    std::unique_lock lock(state_->mutex);
    return state_->ended.wait_for(lock, patience, [&] { return state_->running == 0; });
}

std::size_t BackgroundWork::running() const {
    const std::lock_guard lock(state_->mutex);
    return state_->running;
}

}  // namespace harmony::agent
