// How one deployment fares on one device: bucket device-state, key state.<device>.<deployment>.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harmony/contracts/names.hpp"
#include "harmony/contracts/timestamps.hpp"
#include "harmony/result.hpp"

namespace harmony::contracts {

inline constexpr std::size_t kMaxDeploymentStateBytes = 128 * 1024;
inline constexpr std::size_t kMaxStateContainers = 256;
// encode() cuts a longer message at a character boundary and ends it with "...".
inline constexpr std::size_t kMaxLastErrorBytes = 4096;

enum class Phase { Pending, Running, Failed };
[[nodiscard]] std::string_view to_string(Phase phase);

struct ContainerState {
    std::string name;
    std::string id;
    std::string image;

    bool operator==(const ContainerState&) const = default;
};

struct DeploymentState {
    DeploymentName deployment;
    Phase phase = Phase::Pending;
    // Orders writes: strictly increasing per device and deployment, also across a clock step
    // (Timestamp::after).
    Timestamp last_event_at;
    std::optional<std::string> last_error;
    std::string score_hash;                  // value_hash of the score that this state is about
    std::vector<ContainerState> containers;  // of the services; init containers are not listed

    [[nodiscard]] static Result<DeploymentState> decode(std::string_view json);
    [[nodiscard]] std::string encode() const;

    bool operator==(const DeploymentState&) const = default;
};

}  // namespace harmony::contracts
