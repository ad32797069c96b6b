// Time, so that a test can hold it still.
#pragma once

#include <chrono>

#include "harmony/contracts/timestamps.hpp"

namespace harmony::agent {

using SteadyTime = std::chrono::steady_clock::time_point;

// Thread-safe.
class Clock {
 public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual SteadyTime steady() const { return std::chrono::steady_clock::now(); }
    // May step in either direction.
    [[nodiscard]] virtual contracts::Timestamp wall() const { return contracts::Timestamp::now(); }
};

}  // namespace harmony::agent
