#include "harmony/daemon/random.hpp"

#include <random>

namespace harmony::runtime::daemon {

namespace {

thread_local std::uint64_t* seeded = nullptr;

}  // namespace

std::uint64_t split_mix(std::uint64_t& state) {
    state += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
}

std::uint64_t random_bits() {
    if (seeded) return split_mix(*seeded);
    std::random_device device;
    return (static_cast<std::uint64_t>(device()) << 32U) | device();
}

std::uint64_t* seeded_state() {
    return seeded;
}

SeededRandom::SeededRandom(std::uint64_t seed) : state_(seed) {
    seeded = &state_;
}

SeededRandom::~SeededRandom() {
    seeded = nullptr;
}

}  // namespace harmony::runtime::daemon
