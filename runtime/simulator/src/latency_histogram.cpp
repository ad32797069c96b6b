#include "harmony/simulator/latency_histogram.hpp"

#include <algorithm>
#include <bit>

namespace harmony::simulator {

std::size_t LatencyHistogram::bucket_of(std::uint64_t value) {
    if (value < (std::uint64_t{1} << kPartBits)) return static_cast<std::size_t>(value);
    const unsigned power = static_cast<unsigned>(std::bit_width(value)) - 1;  // at least kPartBits
    const std::uint64_t part = (value >> (power - kPartBits)) & ((std::uint64_t{1} << kPartBits) - 1);
    return (static_cast<std::size_t>(power - kPartBits + 1) << kPartBits) + static_cast<std::size_t>(part);
}

std::uint64_t LatencyHistogram::middle_of(std::size_t bucket) {
    const std::size_t row = bucket >> kPartBits;
    const std::uint64_t part = bucket & ((std::size_t{1} << kPartBits) - 1);
    if (row == 0) return part;
    const std::uint64_t width = std::uint64_t{1} << (row - 1);
    return ((std::uint64_t{1} << kPartBits) + part) * width + width / 2;
}

void LatencyHistogram::record(Microseconds value) {
    const std::int64_t clamped = std::max<std::int64_t>(value.count(), 0);
    ++counts_[std::min(bucket_of(static_cast<std::uint64_t>(clamped)), counts_.size() - 1)];
    ++count_;
    max_ = std::max(max_, clamped);
}

Microseconds LatencyHistogram::percentile(double p) const {
    if (count_ == 0) return Microseconds(0);
    const auto rank = static_cast<std::uint64_t>(p * static_cast<double>(count_ - 1)) + 1;
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
        seen += counts_[bucket];
        if (seen >= rank) {
            return Microseconds(std::min(static_cast<std::int64_t>(middle_of(bucket)), max_));
        }
    }
    return Microseconds(max_);
}

}  // namespace harmony::simulator
