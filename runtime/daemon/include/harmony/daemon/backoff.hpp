// Waiting longer after each failure, and never in step with others.
#pragma once

#include <chrono>
#include <cstdint>

namespace harmony::runtime::daemon {

struct BackoffPolicy {
    std::chrono::milliseconds first{100};
    std::chrono::milliseconds max{10'000};
    double jitter = 0.5;  // each delay is multiplied by a random factor in [1 - jitter, 1]
};

// Not thread-safe: one per loop.
class Backoff {
 public:
    // The seed decides the jitter; 0 takes one from the kernel.
    explicit Backoff(BackoffPolicy policy = {}, std::uint64_t seed = 0);

    // The delay before the next attempt: doubles from first to max.
    [[nodiscard]] std::chrono::milliseconds next();
    void reset() { attempt_ = 0; }
    [[nodiscard]] int attempt() const { return attempt_; }

 private:
    BackoffPolicy policy_;
    std::uint64_t random_;
    int attempt_ = 0;
};

// `base` times a random factor in [1 - spread, 1 + spread]; for timers that must not fire in step.
[[nodiscard]] std::chrono::milliseconds jittered(std::chrono::milliseconds base, double spread);

}  // namespace harmony::runtime::daemon
