// Time that stands still until a test moves it.
#pragma once

#include "harmony/agent/clock.hpp"

namespace harmony::agent::testing {

class ManualClock final : public Clock {
 public:
    [[nodiscard]] SteadyTime steady() const override { return steady_; }
    [[nodiscard]] contracts::Timestamp wall() const override {
        return contracts::Timestamp::from_microseconds(wall_);
    }

    void advance(std::chrono::milliseconds by) {
        steady_ += by;
        wall_ += std::chrono::microseconds(by).count();
    }
    // The wall clock only.
    void step(std::chrono::seconds by) { wall_ += std::chrono::microseconds(by).count(); }

 private:
    SteadyTime steady_ = SteadyTime{} + std::chrono::hours(1);
    std::int64_t wall_ = 1'700'000'000'000'000;
};

}  // namespace harmony::agent::testing
