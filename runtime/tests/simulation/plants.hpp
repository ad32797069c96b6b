// Bugs that the simulation puts into its own models and adapters, to show that each invariant catches one.
#pragma once

#include <optional>
#include <string_view>

namespace harmony::simulation {

enum class Plant {
    DeafDevice,      // an agent's direct gets answer what they answered first
    StrayContainer,  // podman makes a second container beside the one it was asked for
    TwoGenerations,  // podman lets the old container run on while its successor starts
    BoldWriter,      // the operator's writer gives a new score to every device that holds the deployment
    HopefulStatus,   // a pending report is taken for a running one
    ForgetfulStore,  // the store loses its last commit when the operator dies
    EndlessCall,     // a call to podman never returns
};

[[nodiscard]] std::optional<Plant> parse_plant(std::string_view name);
[[nodiscard]] std::string_view to_string(Plant plant);
// The invariant that has to catch it.
[[nodiscard]] std::string_view caught_by(Plant plant);
inline constexpr Plant kPlants[] = {Plant::DeafDevice, Plant::StrayContainer, Plant::TwoGenerations,
                                    Plant::BoldWriter, Plant::HopefulStatus,  Plant::ForgetfulStore,
                                    Plant::EndlessCall};

}  // namespace harmony::simulation
