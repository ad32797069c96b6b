// Latencies of a long run in a fixed amount of memory, each within 2 % of its value.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "harmony/simulator/duration_distribution.hpp"

namespace harmony::simulator {

class LatencyHistogram {
 public:
    void record(Microseconds value);
    // p in [0, 1]; zero where nothing was recorded.
    [[nodiscard]] Microseconds percentile(double p) const;
    [[nodiscard]] std::uint64_t count() const { return count_; }
    [[nodiscard]] Microseconds max() const { return Microseconds(max_); }

 private:
    // Each power of two is cut into 64 equal parts; the first 64 microseconds are exact.
    static constexpr unsigned kPartBits = 6;
    static constexpr std::size_t kBuckets = std::size_t{64 - kPartBits} << kPartBits;
    [[nodiscard]] static std::size_t bucket_of(std::uint64_t value);
    [[nodiscard]] static std::uint64_t middle_of(std::size_t bucket);

    std::array<std::uint64_t, kBuckets> counts_{};
    std::uint64_t count_ = 0;
    std::int64_t max_ = 0;
};

}  // namespace harmony::simulator
