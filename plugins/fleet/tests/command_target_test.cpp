#include "command_target.hpp"

#include <catch2/catch.hpp>

namespace harmony::fleet {
namespace {

const auto kNoon = contracts::Timestamp::parse("2026-01-31T12:00:00Z").value();

}  // namespace

TEST_CASE("a target is a deployment, or one of its services") {
    const auto all = parse_target("web");
    REQUIRE(all);
    CHECK(all->deployment.str() == "web");
    CHECK_FALSE(all->service);
    CHECK(parse_target("web/site")->service == "site");
    for (const char* bad : {"", "/", "web/", "/site", "Web", "web/site/x", "web site", "we.b"}) {
        INFO(bad);
        const auto refused = parse_target(bad);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().path == "target");
        CHECK(refused.error().status == HP_E_INVALID);
    }
}

TEST_CASE("since is a duration before now, or a time") {
    const auto ago = [](const char* text) {
        return (kNoon.microseconds() - parse_since(text, kNoon).value().microseconds()) / 1'000'000;
    };
    CHECK(ago("90s") == 90);
    CHECK(ago("10m") == 600);
    CHECK(ago("3h") == 10'800);
    CHECK(ago("2d") == 172'800);
    CHECK(parse_since("2026-01-31T11:00:00Z", kNoon)->format() == "2026-01-31T11:00:00.000000Z");
    for (const char* bad :
         {"", "10", "m", "-5m", "10y", "10 m", "99999999999999999999s", "9999999d", "yesterday"}) {
        INFO(bad);
        const auto refused = parse_since(bad, kNoon);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().path == "since");
    }
}

}  // namespace harmony::fleet
