#include "harmony/fleet_access/nats_access.hpp"

#include <catch2/catch.hpp>
#include <harmony/plugin/testing/fake_capabilities.hpp>

#include "harmony/fleet_access/toml_text.hpp"

using namespace harmony::fleet_access;
using namespace harmony::plugin;

TEST_CASE("a given URL wins over the service directory") {
    testing::FakeServiceDirectory services;
    testing::FakeSecretStore secrets;
    services.add({"fleet-nats", "client", "127.0.0.1", 4222});
    CHECK(NatsInputs(services, secrets, "", {}, "x").url().value() == "nats://127.0.0.1:4222");
    CHECK(NatsInputs(services, secrets, "nats://10.0.0.1:1", {}, "x").url().value() == "nats://10.0.0.1:1");
}

TEST_CASE("what fails for another reason than absence is no wrong setup") {
    testing::FakeServiceDirectory services;
    testing::FakeSecretStore secrets;
    services.fail_call(1, {.code = "local.broken", .summary = "broken"});
    secrets.fail_call(1, {.code = "local.broken", .summary = "broken"});
    NatsInputs inputs(services, secrets, "", {"FleetNatsScore"}, "x");
    CHECK(inputs.url().error().code == "local.broken");
    CHECK(inputs.secret("nats/admin", "hint").error().code == "local.broken");
}

TEST_CASE("texts of TOML are quoted") {
    CHECK(toml_string("a\"b\\c\n\x7f") == "\"a\\\"b\\\\c\\u000A\\u007F\"");
    CHECK(toml_string("ä") == "\"ä\"");
}
