// The one source of chance of a world.
#pragma once

#include <cstdint>

#include "harmony/daemon/random.hpp"
#include "scheduler.hpp"

namespace harmony::simulation {

class Random {
 public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    // Another one, that does not disturb this one by what is drawn from it.
    [[nodiscard]] std::uint64_t fork() { return runtime::daemon::split_mix(state_); }
    // 0 to n - 1.
    [[nodiscard]] std::int64_t below(std::int64_t n) {
        return static_cast<std::int64_t>(runtime::daemon::split_mix(state_) % static_cast<std::uint64_t>(n));
    }
    // Both included.
    [[nodiscard]] std::int64_t between(std::int64_t low, std::int64_t high) {
        return low + below(high - low + 1);
    }
    // One of a list that is not empty.
    template <class List>
    [[nodiscard]] auto& pick(List& list) {
        return list[static_cast<std::size_t>(below(static_cast<std::int64_t>(list.size())))];
    }
    [[nodiscard]] bool chance(double share) {
        return static_cast<double>(runtime::daemon::split_mix(state_) >> 11U) * 0x1.0p-53 < share;
    }

 private:
    std::uint64_t state_;
};

}  // namespace harmony::simulation
