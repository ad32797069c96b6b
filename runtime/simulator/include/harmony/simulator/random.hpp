// Randomness without a state: every decision of a simulation is a function of the seed and of what it is
// about, so that the order in which messages happen to arrive changes no decision.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace harmony::simulator {

// SplitMix64's finaliser (Steele, Lea and Flood): each bit of the input changes about half of the output.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t value) {
    value += 0x9e3779b97f4a7c15;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

[[nodiscard]] constexpr std::uint64_t draw(std::initializer_list<std::uint64_t> about) {
    std::uint64_t result = 0;
    for (const std::uint64_t part : about)
        result = mix(result ^ part);
    return result;
}

// In [0, 1).
[[nodiscard]] constexpr double unit(std::uint64_t drawn) {
    return static_cast<double>(drawn >> 11) * 0x1p-53;
}

}  // namespace harmony::simulator
