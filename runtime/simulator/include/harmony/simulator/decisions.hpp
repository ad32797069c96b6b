// Everything that chance decides in a simulation, as functions of the seed.
#pragma once

#include <cstdint>

#include "harmony/contracts/labels.hpp"
#include "harmony/simulator/options.hpp"

namespace harmony::simulator {

class Decisions {
 public:
    // The options must outlive it.
    explicit Decisions(const SimulatorOptions& options) : options_(options) {}

    [[nodiscard]] contracts::Labels labels(std::uint32_t device) const;
    // How long the device takes for this value of this deployment, and whether it fails in the end.
    [[nodiscard]] Microseconds run(std::uint32_t device, std::uint64_t deployment, std::uint64_t value) const;
    [[nodiscard]] bool fails(std::uint32_t device, std::uint64_t deployment, std::uint64_t value) const;
    [[nodiscard]] Microseconds react(std::uint32_t device, std::uint64_t deployment,
                                     std::uint64_t value) const;
    // Between the device's n-th heartbeat and the next.
    [[nodiscard]] Microseconds heartbeat_gap(std::uint32_t device, std::uint32_t beat) const;
    [[nodiscard]] Microseconds resync_gap(std::uint32_t device, std::uint32_t round) const;
    // The n-th departure: who, and how long it stays away.
    [[nodiscard]] std::uint32_t leaver(std::uint64_t departure) const;
    [[nodiscard]] Microseconds away(std::uint64_t departure) const;

 private:
    const SimulatorOptions& options_;
};

}  // namespace harmony::simulator
