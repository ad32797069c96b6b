#include <catch2/catch.hpp>
#include <harmony/plugin/testing/fake_capabilities.hpp>
#include <harmony/plugin/testing/fake_host.hpp>

using namespace harmony::plugin;
using namespace harmony::plugin::testing;

namespace {

struct Fixture {
    Fixture() {
        host.offer<ProcessHost>(processes);
        host.offer<ServiceDirectory>(services);
        host.offer<SecretStore>(secrets);
    }
    void add_nats() {
        services.add({"fleet-nats", "client", "127.0.0.1", 4222});
        REQUIRE(secrets.put("nats/operator", "s3cret-of-the-operator"));
    }
    ScoreHandle score(Json settings = Json::object()) {
        return host.score("FleetOperatorScore", std::move(settings)).value();
    }

    FakeHost host{harmony_plugin_entry_1};
    FakeProcessHost processes;
    FakeServiceDirectory services;
    FakeSecretStore secrets;
};

}  // namespace

TEST_CASE("the plan after an apply is empty, and shows no password before it") {
    Fixture fixture;
    fixture.add_nats();
    auto score = fixture.score();
    const auto plan = score.plan().value();
    REQUIRE(plan.steps.size() == 1);
    CHECK_FALSE(plan.deferred);
    CHECK(to_json(plan).dump().find("s3cret") == std::string::npos);
    REQUIRE(score.apply(plan.steps[0]));
    CHECK(score.plan().value().steps.empty());
    const auto& files = fixture.processes.spec("fleet-operator")->files;
    REQUIRE(files.size() == 2);
    CHECK(files[0].content.find("urls = [\"nats://127.0.0.1:4222\"]") != std::string::npos);
    CHECK(files[0].content.find("s3cret") == std::string::npos);
    CHECK(files[1].content.find("s3cret-of-the-operator") != std::string::npos);
    CHECK(files[1].sensitive);
}

TEST_CASE("without a NATS server the plan says what to do") {
    Fixture fixture;
    const auto plan = fixture.score().plan();
    REQUIRE_FALSE(plan);
    CHECK(plan.error().code == "operator.nats-not-found");
    CHECK(plan.error().status == HP_E_INVALID);
    CHECK(plan.error().hint.find("FleetNatsScore") != std::string::npos);
}

TEST_CASE("without credentials the plan says what to do") {
    Fixture fixture;
    const auto plan = fixture.score(Json::object({{"nats_url", "nats://10.0.0.1:4222"}})).plan();
    REQUIRE_FALSE(plan);
    CHECK(plan.error().code == "operator.credentials-missing");
    CHECK(plan.error().hint.find("FleetNatsScore") != std::string::npos);
}

TEST_CASE("a NATS server that is about to be there defers the plan") {
    Fixture fixture;
    const auto plan = fixture.score().plan({.pending = {"FleetNatsScore"}}).value();
    CHECK(plan.deferred);
    CHECK(plan.steps.size() == 1);
}

TEST_CASE("a release tag has to be the operator's own and of this installation") {
    Fixture fixture;
    fixture.add_nats();
    CHECK(fixture.score(Json::object({{"from_tag", "harmony-fleet-operator-v" HARMONY_VERSION}})).validate());
    for (const auto* tag :
         {"harmony-fleet-agent-v0.0.2", "harmony-fleet-operator-vX", "harmony-fleet-operator-v99.0.0"}) {
        const auto valid = fixture.score(Json::object({{"from_tag", tag}})).validate();
        REQUIRE_FALSE(valid);
        CHECK(valid.error().path == "from_tag");
        CHECK(valid.error().status == HP_E_INVALID);
    }
}

TEST_CASE("a device is not offline after one late heartbeat") {
    Fixture fixture;
    const auto valid = fixture.score(Json::object({{"heartbeat_stale_after_s", 59}})).validate();
    REQUIRE_FALSE(valid);
    CHECK(valid.error().path == "heartbeat_stale_after_s");
}

TEST_CASE("destroy keeps what the operator stores unless asked") {
    Fixture fixture;
    fixture.add_nats();
    auto score = fixture.score();
    REQUIRE(score.apply(score.plan().value().steps.at(0)));
    SECTION("kept") {
        CHECK(score.destroy_all().value() == 1);
        CHECK(fixture.processes.data().contains("fleet-operator"));
    }
    SECTION("deleted") {
        const auto plan = score.plan({.purpose = Purpose::Destroy, .delete_data = true}).value();
        CHECK(plan.steps.at(0).destructive);
        CHECK(score.destroy_all(true).value() == 1);
        CHECK_FALSE(fixture.processes.data().contains("fleet-operator"));
    }
}
