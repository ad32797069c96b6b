// Randomness for jitter and identifiers: the kernel's, or, in a simulation, a seed's.
#pragma once

#include <cstdint>

namespace harmony::runtime::daemon {

// 64 bits from the kernel; from the seed while a SeededRandom lives on this thread.
[[nodiscard]] std::uint64_t random_bits();

// SplitMix64: eight bytes of state, where a standard engine would take five kilobytes.
[[nodiscard]] std::uint64_t split_mix(std::uint64_t& state);

// While it lives, everything random on its thread (random_bits(), jittered(), the seeds of Backoff) follows
// from the seed. One at a time on a thread.
class SeededRandom {
 public:
    explicit SeededRandom(std::uint64_t seed);
    ~SeededRandom();
    SeededRandom(const SeededRandom&) = delete;
    SeededRandom& operator=(const SeededRandom&) = delete;

 private:
    std::uint64_t state_;
};

// The state of the SeededRandom on this thread; null where there is none.
[[nodiscard]] std::uint64_t* seeded_state();

}  // namespace harmony::runtime::daemon
