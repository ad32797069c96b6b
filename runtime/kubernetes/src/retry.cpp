#include "retry.hpp"

#include <algorithm>

namespace harmony::runtime::kubernetes {
namespace {

// The server did nothing: it was not reached, or turned the request away before looking at it.
bool certainly_not_done(const Failure& failure) {
    if (failure.reason == Reason::Unreachable) return !failure.maybe_done;
    return failure.status == 429 || (failure.status == 503 && failure.retry_after.has_value());
}

}  // namespace

std::chrono::milliseconds backoff_delay(const Backoff& backoff, int attempt, double random) {
    const int doublings = std::clamp(attempt - 1, 0, 20);
    const auto raised = std::min<std::int64_t>(backoff.first.count() << doublings, backoff.max.count());
    const double jittered = static_cast<double>(raised) * (0.5 + random / 2);
    return std::chrono::milliseconds(static_cast<std::int64_t>(jittered));
}

std::optional<std::chrono::milliseconds> delay_before_retry(const Failure& failure, const Attempt& attempt,
                                                            double random) {
    if (attempt.number >= attempt.allowed) return std::nullopt;
    if (failure.reason != Reason::Unreachable && failure.reason != Reason::Unavailable) return std::nullopt;
    if (!attempt.repeatable && !certainly_not_done(failure)) return std::nullopt;
    std::chrono::milliseconds delay = backoff_delay({}, attempt.number, random);
    if (failure.retry_after) delay = std::max<std::chrono::milliseconds>(delay, *failure.retry_after);
    return delay;
}

}  // namespace harmony::runtime::kubernetes
