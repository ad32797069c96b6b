#include "release_tag.hpp"

#include <catch2/catch.hpp>

using harmony::fleet_operator::version_of_tag;

TEST_CASE("a tag of the operator gives its version") {
    CHECK(version_of_tag("harmony-fleet-operator-v1.2.3").value() == "1.2.3");
    CHECK(version_of_tag("harmony-fleet-operator-v0.1.0-rc.1").value() == "0.1.0-rc.1");
}

TEST_CASE("another component and what is no version are refused with what was expected") {
    for (const auto* tag : {"harmony-fleet-agent-v0.0.2", "harmony-fleet-operator-vX",
                            "harmony-fleet-operator-v1.2", "harmony-fleet-operator-v01.2.3",
                            "harmony-fleet-operator-1.2.3", "v1.2.3", "", "harmony-fleet-operator-v1.2.3 "}) {
        INFO(tag);
        const auto version = version_of_tag(tag);
        REQUIRE_FALSE(version);
        CHECK(version.error().text().find("expected harmony-fleet-operator-v") != std::string::npos);
    }
}
