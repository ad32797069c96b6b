#include "fleet_nats_score.hpp"

#include <catch2/catch.hpp>
#include <harmony/plugin/testing/fake_capabilities.hpp>
#include <harmony/plugin/testing/fake_host.hpp>

using namespace harmony::plugin;
using namespace harmony::plugin::testing;

namespace {

struct Fixture {
    Fixture() {
        host.offer<ProcessHost>(processes);
        host.offer<SecretStore>(secrets);
    }
    ScoreHandle score(std::vector<std::string> devices) {
        Json list = Json::array();
        for (auto& device : devices)
            list.push_back(device);
        return host.score("FleetNatsScore", Json::object({{"devices", list}, {"port", 0}})).value();
    }
    // Without verify, which needs a server.
    void apply(ScoreHandle& handle) {
        const auto plan = handle.plan().value();
        for (const auto& step : plan.steps)
            REQUIRE(handle.apply(step));
    }

    FakeHost host{harmony_plugin_entry_1};
    FakeProcessHost processes;
    FakeSecretStore secrets;
};

const DaemonFile& file(const DaemonSpec& spec, const std::string& path) {
    for (const auto& each : spec.files) {
        if (each.path == path) return each;
    }
    throw std::runtime_error("no file " + path);
}

}  // namespace

TEST_CASE("the first plan makes credentials and the server, the plan after it is empty") {
    Fixture fixture;
    auto score = fixture.score({"edge-north", "edge-south"});
    const auto plan = score.plan().value();
    REQUIRE(plan.steps.size() == 2);
    CHECK(plan.steps[0].object.kind == "credentials");
    CHECK(plan.steps[1].object.name == "fleet-nats");
    CHECK(fixture.secrets.values().empty());
    fixture.apply(score);
    CHECK(fixture.secrets.values().size() == 4);
    CHECK(score.plan().value().steps.empty());
}

TEST_CASE("no password is in a plan, and the file with them is for the daemon alone") {
    Fixture fixture;
    auto score = fixture.score({"edge-north"});
    fixture.apply(score);
    const DaemonSpec& spec = *fixture.processes.spec("fleet-nats");
    const auto& users = file(spec, "users.conf");
    CHECK(users.sensitive);
    CHECK(users.mode == "0600");
    auto wider = fixture.score({"edge-north", "edge-south"});
    const std::string shown = to_json(wider.plan().value()).dump();
    for (const auto& [name, value] : fixture.secrets.values()) {
        CHECK(users.content.find(value) != std::string::npos);
        CHECK(shown.find(value) == std::string::npos);
        CHECK(file(spec, "nats-server.conf").content.find(value) == std::string::npos);
    }
}

TEST_CASE("a device more or less reloads the server and keeps the other credentials") {
    Fixture fixture;
    auto before = fixture.score({"edge-north", "edge-south"});
    fixture.apply(before);
    const std::string kept = fixture.secrets.values().at("nats/device/edge-north");
    auto after = fixture.score({"edge-north", "edge-west"});
    const auto plan = after.plan().value();
    REQUIRE(plan.steps.size() == 2);
    CHECK(plan.steps[1].action == Action::Reload);
    fixture.apply(after);
    CHECK(fixture.secrets.values().at("nats/device/edge-north") == kept);
    CHECK_FALSE(fixture.secrets.values().contains("nats/device/edge-south"));
    CHECK(fixture.secrets.values().contains("nats/device/edge-west"));
    CHECK(after.plan().value().steps.empty());
}

TEST_CASE("the simulator's user is there only while it is asked for") {
    Fixture fixture;
    const Json devices = Json::array({"edge-north"});
    auto with =
        fixture.host
            .score("FleetNatsScore", Json::object({{"devices", devices}, {"port", 0}, {"simulator", true}}))
            .value();
    fixture.apply(with);
    CHECK(fixture.secrets.values().contains("nats/simulator"));
    const std::string users = file(*fixture.processes.spec("fleet-nats"), "users.conf").content;
    CHECK(users.find("\"simulator\"") != std::string::npos);
    CHECK(users.find(fixture.secrets.values().at("nats/simulator")) != std::string::npos);
    auto without = fixture.score({"edge-north"});
    fixture.apply(without);
    CHECK_FALSE(fixture.secrets.values().contains("nats/simulator"));
    CHECK(file(*fixture.processes.spec("fleet-nats"), "users.conf").content.find("\"simulator\"") ==
          std::string::npos);
}

TEST_CASE("destroy removes the server and every credential, its data only when asked") {
    Fixture fixture;
    auto score = fixture.score({"edge-north"});
    fixture.apply(score);
    SECTION("data stays") {
        CHECK(score.destroy_all().value() == 2);
        CHECK(fixture.processes.data().contains("fleet-nats"));
    }
    SECTION("data goes") {
        CHECK(score.destroy_all(true).value() == 2);
        CHECK_FALSE(fixture.processes.data().contains("fleet-nats"));
    }
    CHECK(fixture.secrets.values().empty());
    CHECK(score.read().value().empty());
}

TEST_CASE("a port that somebody else holds is the parameter's fault") {
    Fixture fixture;
    auto score = fixture.score({"edge-north"});
    fixture.processes.fail_call(1, {.code = "process-host.port-in-use", .summary = "port 4222 is in use"});
    const auto plan = score.plan();
    REQUIRE_FALSE(plan);
    CHECK(plan.error().path == "port");
    CHECK(plan.error().status == HP_E_INVALID);
}

TEST_CASE("wrong device ids name themselves") {
    Fixture fixture;
    const auto wrong =
        fixture.host.score("FleetNatsScore", Json::object({{"devices", Json::array({"Edge.North"})}}));
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().path == "devices[0]");
    auto twice = fixture.score({"edge", "edge"});
    const auto valid = twice.validate();
    REQUIRE_FALSE(valid);
    CHECK(valid.error().path == "devices[1]");
}
