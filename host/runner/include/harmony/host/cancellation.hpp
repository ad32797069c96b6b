// How a user's Ctrl-C reaches running calls: the first request cancels them, the second one kills.
#pragma once

#include <atomic>

namespace harmony::host {

class Cancellation {
 public:
    Cancellation();
    ~Cancellation();
    Cancellation(const Cancellation&) = delete;
    Cancellation& operator=(const Cancellation&) = delete;

    // Any thread; safe in a signal handler.
    void request() noexcept;
    // Since the last acknowledge().
    [[nodiscard]] int requests() const noexcept { return requests_.load() - acknowledged_.load(); }
    [[nodiscard]] bool requested() const noexcept { return requests() > 0; }
    // What was asked to stop has stopped. What runs from here on, such as cleaning up after it, can be
    // cancelled by requests that are still to come.
    void acknowledge() noexcept { acknowledged_.store(requests_.load()); }

    // Becomes readable with the first request and again with the second; for poll(). Owned by this object.
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

 private:
    std::atomic<int> requests_{0};
    std::atomic<int> acknowledged_{0};
    int descriptor_ = -1;
};

}  // namespace harmony::host
