#include "harmony/simulator/decisions.hpp"

#include <catch2/catch.hpp>

using namespace harmony::simulator;

namespace {

SimulatorOptions options(std::uint64_t seed) {
    SimulatorOptions result;
    result.devices = 1000;
    result.seed = seed;
    result.failures = 0.03;
    result.labels.insert_or_assign("site", *LabelPattern::parse("s{0..99}"));
    return result;
}

}  // namespace

TEST_CASE("the same seed decides the same, another seed something else") {
    const auto one = options(7), same = options(7), other = options(8);
    const Decisions a(one), b(same), c(other);
    int differences = 0;
    for (std::uint32_t device = 0; device < 1000; ++device) {
        REQUIRE(a.labels(device) == b.labels(device));
        REQUIRE(a.run(device, 1, 2) == b.run(device, 1, 2));
        REQUIRE(a.fails(device, 1, 2) == b.fails(device, 1, 2));
        REQUIRE(a.heartbeat_gap(device, 3) == b.heartbeat_gap(device, 3));
        REQUIRE(a.leaver(device) == b.leaver(device));
        REQUIRE(a.away(device) == b.away(device));
        if (a.labels(device) != c.labels(device)) ++differences;
    }
    CHECK(differences > 900);
}

TEST_CASE("about as many fail as were asked for, and each score fails on devices of its own") {
    const auto asked = options(1);
    const Decisions decisions(asked);
    int first = 0, second = 0, both = 0;
    for (std::uint32_t device = 0; device < 10'000; ++device) {
        const bool one = decisions.fails(device, 1, 100), two = decisions.fails(device, 1, 101);
        first += one ? 1 : 0;
        second += two ? 1 : 0;
        both += one && two ? 1 : 0;
    }
    CHECK(first > 240);
    CHECK(first < 360);
    CHECK(second > 240);
    CHECK(both < 30);
}

TEST_CASE("heartbeats keep within a tenth of their interval") {
    const auto asked = options(1);
    const Decisions decisions(asked);
    for (std::uint32_t beat = 0; beat < 1000; ++beat) {
        const auto gap = decisions.heartbeat_gap(5, beat);
        REQUIRE(gap >= std::chrono::seconds(27));
        REQUIRE(gap <= std::chrono::seconds(33));
    }
}
