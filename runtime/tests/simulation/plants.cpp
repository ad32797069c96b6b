#include "plants.hpp"

#include <array>

#include "invariants.hpp"

namespace harmony::simulation {

namespace {

struct Described {
    Plant plant;
    std::string_view name;
    std::string_view caught_by;
};
constexpr std::array<Described, 7> kDescribed{{
    {Plant::DeafDevice, "deaf-device", kConverges},
    {Plant::StrayContainer, "stray-container", kOwned},
    {Plant::TwoGenerations, "two-generations", kOneGeneration},
    {Plant::BoldWriter, "bold-writer", kBudget},
    {Plant::HopefulStatus, "hopeful-status", kHonestStatus},
    {Plant::ForgetfulStore, "forgetful-store", kAppliesKept},
    {Plant::EndlessCall, "endless-call", kEnds},
}};

const Described& described(Plant plant) {
    for (const Described& known : kDescribed) {
        if (known.plant == plant) return known;
    }
    return kDescribed.front();
}

}  // namespace

std::optional<Plant> parse_plant(std::string_view name) {
    for (const Described& known : kDescribed) {
        if (known.name == name) return known.plant;
    }
    return std::nullopt;
}

std::string_view to_string(Plant plant) {
    return described(plant).name;
}

std::string_view caught_by(Plant plant) {
    return described(plant).caught_by;
}

}  // namespace harmony::simulation
