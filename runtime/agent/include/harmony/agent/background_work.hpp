// Threads that exist only while there is something to do.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <stop_token>

namespace harmony::agent {

// Thread-safe. Whatever the work uses must live until stop() has returned true.
class BackgroundWork {
 public:
    using Work = std::function<void(std::stop_token stop)>;

    explicit BackgroundWork(std::size_t max_threads);
    ~BackgroundWork();  // stops, and waits without a limit
    BackgroundWork(const BackgroundWork&) = delete;
    BackgroundWork& operator=(const BackgroundWork&) = delete;

    // Runs the work on a thread of its own. False: too many run, no thread is to be had, or stop() was
    // called; then nothing of it runs. `name` has at most 15 bytes. An exception that the work lets out is
    // logged.
    [[nodiscard]] bool run(const char* name, Work work);
    // Asks all to stop and waits. False: one still runs after `patience`.
    [[nodiscard]] bool stop(std::chrono::milliseconds patience);
    [[nodiscard]] std::size_t running() const;

 private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace harmony::agent
