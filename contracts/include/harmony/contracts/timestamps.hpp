// A point in time on the wire: RFC 3339, UTC, always with six digits of a second and a final Z, so that text
// order is time order.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "harmony/result.hpp"

namespace harmony::contracts {

class Timestamp {
 public:
    // 0001-01-01T00:00:00.000000Z to 9999-12-31T23:59:59.999999Z: what four digits of a year can say.
    static constexpr std::int64_t kMinMicroseconds = -62'135'596'800'000'000;
    static constexpr std::int64_t kMaxMicroseconds = 253'402'300'799'999'999;

    // 1970-01-01T00:00:00.000000Z.
    constexpr Timestamp() = default;

    // Since 1970-01-01 UTC; clamped to the two limits above.
    [[nodiscard]] static constexpr Timestamp from_microseconds(std::int64_t since_epoch) {
        Timestamp result;
        result.microseconds_ = since_epoch < kMinMicroseconds   ? kMinMicroseconds
                               : since_epoch > kMaxMicroseconds ? kMaxMicroseconds
                                                                : since_epoch;
        return result;
    }
    [[nodiscard]] static Timestamp from(std::chrono::system_clock::time_point when);
    [[nodiscard]] static Timestamp now();

    // Accepts what other writers produce too: no fraction or 1 to 9 digits (cut to microseconds), a
    // lower-case t or z, and an offset instead of Z. Refuses a leap second's :60.
    [[nodiscard]] static Result<Timestamp> parse(std::string_view text);

    // "2025-03-01T12:00:00.000123Z", 27 characters.
    [[nodiscard]] std::string format() const;

    [[nodiscard]] constexpr std::int64_t microseconds() const { return microseconds_; }
    // Whole seconds since 1970-01-01 UTC, rounded down.
    [[nodiscard]] constexpr std::int64_t seconds() const {
        const std::int64_t whole = microseconds_ / 1'000'000;
        return microseconds_ % 1'000'000 < 0 ? whole - 1 : whole;
    }

    // The earliest timestamp that is after `previous` and not before `clock`: what a writer uses to stay
    // strictly increasing across a clock step.
    [[nodiscard]] static constexpr Timestamp after(Timestamp previous, Timestamp clock) {
        return clock > previous ? clock : from_microseconds(previous.microseconds_ + 1);
    }

    constexpr auto operator<=>(const Timestamp&) const = default;

 private:
    std::int64_t microseconds_ = 0;
};

}  // namespace harmony::contracts
