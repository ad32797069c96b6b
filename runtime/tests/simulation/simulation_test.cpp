// The simulation holds, is repeatable, and catches what it is there to catch.
#include <catch2/catch.hpp>

#include <fcntl.h>

#include "harmony/daemon/logging.hpp"
#include "world.hpp"

namespace harmony::simulation {

namespace {

// The daemons' own lines, faults and all, would drown the test's.
Outcome run(WorldOptions options) {
    static const bool quiet = [] {
        runtime::daemon::log_to_descriptor(open("/dev/null", O_WRONLY | O_CLOEXEC));
        return runtime::daemon::start_logging("error").has_value();
    }();
    REQUIRE(quiet);
    return simulate(options);
}

Outcome run_seed(std::uint64_t seed, double device_hours) {
    WorldOptions options;
    options.seed = seed;
    options.device_hours = device_hours;
    return run(std::move(options));
}

constexpr std::uint64_t kSeeds = 20;
// How many seeds may pass before a planted bug shows.
constexpr std::uint64_t kPatience = 40;

}  // namespace

TEST_CASE("whatever breaks, the fleet converges and no invariant is violated") {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        const Outcome outcome = run_seed(seed, 5);
        if (outcome.violation) {
            FAIL(outcome.history << "seed " << seed << " violates " << outcome.violation->invariant << ": "
                                 << outcome.violation->detail << "\nreplay: fleet-simulation --seed " << seed
                                 << " --hours 5 --verbose");
        }
        CHECK(outcome.device_hours > 4.9);
    }
}

TEST_CASE("the same seed gives the same history, whatever ran before it") {
    const Outcome first = run_seed(7, 5);
    const Outcome other = run_seed(8, 5);
    const Outcome again = run_seed(7, 5);
    CHECK(first.history_hash == again.history_hash);
    CHECK(first.events == again.events);
    CHECK(first.history_hash != other.history_hash);
}

TEST_CASE("each planted bug is caught by the invariant that is there for it") {
    const Plant plant = GENERATE(from_range(std::begin(kPlants), std::end(kPlants)));
    INFO("plant " << to_string(plant));
    std::optional<Violation> caught;
    for (std::uint64_t seed = 1; seed <= kPatience && !caught; ++seed) {
        WorldOptions options;
        options.seed = seed;
        options.device_hours = 1;
        options.plants = {plant};
        const Outcome outcome = run(std::move(options));
        caught = outcome.violation;
        if (caught) CHECK(!outcome.history.empty());
    }
    REQUIRE(caught);
    CHECK(caught->invariant == caught_by(plant));
}

TEST_CASE("every plant has a name that finds it again") {
    for (const Plant plant : kPlants)
        CHECK(parse_plant(to_string(plant)) == plant);
    CHECK_FALSE(parse_plant("none"));
}

}  // namespace harmony::simulation
