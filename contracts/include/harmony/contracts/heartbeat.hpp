// A device's sign of life: bucket device-heartbeat, key heartbeat.<device>.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "harmony/result.hpp"

namespace harmony::contracts {

// A million devices send one each interval: the value stays below this.
inline constexpr std::size_t kHeartbeatBytesLimit = 96;
// What then remains for the version: kHeartbeatBytesLimit - 1 less the 72 bytes of everything else.
inline constexpr std::size_t kHeartbeatVersionBytes = 23;

struct Heartbeat {
    std::string agent_version;
    std::int64_t at = 0;         // whole seconds since 1970-01-01 UTC, a JSON number of at most ten digits
    std::string desired_digest;  // desired_digest() of what the device holds: 16 hexadecimal digits

    [[nodiscard]] static Result<Heartbeat> decode(std::string_view json);
    // Always below kHeartbeatBytesLimit: a longer version is cut, characters outside letters, digits and
    // ".+-_" are left out, `at` is clamped to ten digits, and a digest that is not one becomes sixteen zeros.
    [[nodiscard]] std::string encode() const;

    bool operator==(const Heartbeat&) const = default;
};

}  // namespace harmony::contracts
