#include "harmony/fleet_access/daemon_steps.hpp"

#include <catch2/catch.hpp>
#include <harmony/plugin/testing/fake_capabilities.hpp>

using namespace harmony::fleet_access;
using namespace harmony::plugin;

TEST_CASE("a daemon has a step until it is as it should be") {
    testing::FakeProcessHost host;
    const DaemonSpec spec{.name = "sample", .program = "true"};
    const auto first = daemon_step(host, spec).value();
    REQUIRE(first);
    CHECK(first->id == "daemon sample");
    CHECK(first->action == Action::Create);
    REQUIRE(host.ensure(spec));
    CHECK_FALSE(daemon_step(host, spec).value());
    host.lose("sample");
    CHECK(daemon_step(host, spec).value()->action == Action::Restart);
}

TEST_CASE("a removal deletes data only when asked, and there is none for what is not there") {
    testing::FakeProcessHost host;
    CHECK_FALSE(daemon_removal(host, "sample", true, "its data").value());
    REQUIRE(host.ensure({.name = "sample", .program = "true"}));
    CHECK_FALSE(daemon_removal(host, "sample", false, "its data").value()->destructive);
    CHECK(daemon_removal(host, "sample", true, "its data").value()->destructive);
}

TEST_CASE("data that an earlier removal has kept is found when it is to be deleted") {
    testing::FakeProcessHost host;
    REQUIRE(host.ensure({.name = "sample", .program = "true"}));
    REQUIRE(host.remove("sample", false));
    CHECK_FALSE(daemon_removal(host, "sample", false, "its data").value());
    const auto step = daemon_removal(host, "sample", true, "its data").value();
    REQUIRE(step);
    CHECK(step->object.kind == "data");
    CHECK(step->destructive);
    REQUIRE(host.remove("sample", true));
    CHECK_FALSE(daemon_removal(host, "sample", true, "its data").value());
}
