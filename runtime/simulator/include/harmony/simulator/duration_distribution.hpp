// How long something takes, as a user writes it.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "harmony/result.hpp"

namespace harmony::simulator {

using Microseconds = std::chrono::microseconds;

// "250ms", "1.5s", "2m", "80us", "0": at most 24 hours. InvalidInput says what was found and expected.
[[nodiscard]] Result<Microseconds> parse_duration(std::string_view text);

// "20ms" (always that), "10ms..200ms" (all equally likely), "lognormal:200ms:2s" (median and 99th
// percentile).
class DurationDistribution {
 public:
    DurationDistribution() = default;  // no time at all
    [[nodiscard]] static Result<DurationDistribution> parse(std::string_view text);

    // The value below which a share `u` in [0, 1) of all values lies. A lognormal one ends at 24 hours.
    [[nodiscard]] Microseconds quantile(double u) const;
    [[nodiscard]] bool always_zero() const { return kind_ == Kind::Fixed && low_.count() == 0; }

 private:
    enum class Kind { Fixed, Uniform, LogNormal };
    Kind kind_ = Kind::Fixed;
    Microseconds low_{0};   // the value, the lower end, the median
    Microseconds high_{0};  // the upper end, the 99th percentile
};

}  // namespace harmony::simulator
