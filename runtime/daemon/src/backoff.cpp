#include "harmony/daemon/backoff.hpp"

#include <algorithm>
#include <random>

namespace harmony::runtime::daemon {
namespace {

std::uint64_t kernel_seed() {
    std::random_device device;
    return (static_cast<std::uint64_t>(device()) << 32U) | device();
}

// SplitMix64: eight bytes of state, where a standard engine would take five kilobytes.
double next_unit(std::uint64_t& state) {
    state += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    z ^= z >> 31U;
    return static_cast<double>(z >> 11U) * 0x1.0p-53;
}

}  // namespace

Backoff::Backoff(BackoffPolicy policy, std::uint64_t seed)
    : policy_(policy), random_(seed != 0 ? seed : kernel_seed()) {}

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
    thread_local std::uint64_t state = kernel_seed();
    const double factor = 1.0 - spread + 2.0 * spread * next_unit(state);
    return std::chrono::milliseconds{static_cast<std::int64_t>(static_cast<double>(base.count()) * factor)};
}

}  // namespace harmony::runtime::daemon
