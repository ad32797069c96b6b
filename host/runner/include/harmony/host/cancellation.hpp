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
    [[nodiscard]] int requests() const noexcept { return requests_.load(); }
    [[nodiscard]] bool requested() const noexcept { return requests() > 0; }

    // Becomes readable with the first request and again with the second; for poll(). Owned by this object.
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

 private:
    std::atomic<int> requests_{0};
    int descriptor_ = -1;
};

}  // namespace harmony::host
