#include "harmony/daemon/backoff.hpp"

#include <algorithm>

#include "harmony/daemon/random.hpp"

namespace harmony::runtime::daemon {
namespace {

double next_unit(std::uint64_t& state) {
    return static_cast<double>(split_mix(state) >> 11U) * 0x1.0p-53;
}

}  // namespace

Backoff::Backoff(BackoffPolicy policy, std::uint64_t seed)
    : policy_(policy), random_(seed != 0 ? seed : random_bits()) {}

std::chrono::milliseconds Backoff::next() {
    auto delay = static_cast<double>(policy_.first.count());
    const auto cap = static_cast<double>(policy_.max.count());
    for (int i = 0; i < attempt_ && delay < cap; ++i)
        delay *= 2;
    ++attempt_;
    delay = std::min(delay, cap) * (1.0 - policy_.jitter * next_unit(random_));
    return std::chrono::milliseconds{static_cast<std::int64_t>(delay)};
}

std::chrono::milliseconds jittered(std::chrono::milliseconds base, double spread) {
    std::uint64_t* const seeded = seeded_state();
    double unit = 0;
    if (seeded) {
        unit = next_unit(*seeded);
    } else {
        thread_local std::uint64_t own = random_bits();
        unit = next_unit(own);
    }
    const double factor = 1.0 - spread + 2.0 * spread * unit;
    return std::chrono::milliseconds{static_cast<std::int64_t>(static_cast<double>(base.count()) * factor)};
}

}  // namespace harmony::runtime::daemon
