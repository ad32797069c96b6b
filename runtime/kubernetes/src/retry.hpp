// Whether and when a call is repeated. Pure.
#pragma once

#include <chrono>
#include <optional>

#include "harmony/kubernetes/failure.hpp"

namespace harmony::runtime::kubernetes {

struct Attempt {
    int number = 1;  // from 1
    int allowed = 1;
    bool repeatable = false;  // doing it twice is as good as once
};

struct Backoff {
    std::chrono::milliseconds first{100};
    std::chrono::milliseconds max{5'000};
};

// first, doubled for each attempt up to max, multiplied by a factor in [0.5, 1]; `random` lies in [0, 1).
[[nodiscard]] std::chrono::milliseconds backoff_delay(const Backoff& backoff, int attempt, double random);

// How long to wait before the next attempt; nothing where the failure is the answer. What the server says in
// Retry-After is a lower bound.
[[nodiscard]] std::optional<std::chrono::milliseconds> delay_before_retry(const Failure& failure,
                                                                          const Attempt& attempt,
                                                                          double random);

}  // namespace harmony::runtime::kubernetes
