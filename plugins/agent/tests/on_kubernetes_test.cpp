// FleetAgentScore on a cluster in memory.
#include <catch2/catch.hpp>
#include <harmony/plugin/testing/fake_capabilities.hpp>
#include <harmony/plugin/testing/fake_host.hpp>
#include <harmony/plugin/testing/fake_kubernetes.hpp>

using namespace harmony::plugin;
using namespace harmony::plugin::testing;

namespace {

struct Fixture {
    Fixture() {
        host.offer<Kubernetes>(cluster);
        host.offer<ServiceDirectory>(services);
        host.offer<SecretStore>(secrets);
        for (const char* device : {"edge-north", "edge-south"})
            REQUIRE(secrets.put(std::string("nats/device/") + device, std::string("s3cret-") + device));
    }
    void add_nats() {
        cluster.put(Json::parse(R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"fleet-nats",
            "namespace":"fleet","labels":{"io.nationtech.harmony/service":"fleet-nats",
            "io.nationtech.harmony/context":"test"}},"spec":{"ports":[{"name":"client","port":4222}]}})")
                        .value());
    }
    ScoreHandle score(const std::string& devices, const std::string& further = "") {
        return host
            .score("FleetAgentScore",
                   Json::parse(R"({"namespace":"fleet","devices":[)" + devices + "]" + further + "}").value())
            .value();
    }
    void apply(ScoreHandle& handle) {
        const auto plan = handle.plan().value();
        for (const auto& step : plan.steps)
            REQUIRE(handle.apply(step));
    }
    Json live(const std::string& kind, const std::string& name) {
        const std::string version = kind == "Deployment" ? "apps/v1" : "v1";
        return cluster.get({version, kind, "fleet", name}).value().value_or(Json());
    }

    FakeHost host{harmony_plugin_entry_1};
    FakeKubernetes cluster;
    FakeServiceDirectory services;
    FakeSecretStore secrets;
};

constexpr const char* kBoth = R"({"id":"edge-north","labels":{"site":"north"}},{"id":"edge-south"})";
constexpr const char* kNorth = R"({"id":"edge-north","labels":{"site":"north"}})";

}  // namespace

TEST_CASE("each device gets a workload and a Secret of its own, and the plan after it is empty") {
    Fixture fixture;
    fixture.add_nats();
    auto score = fixture.score(kBoth);
    const auto plan = score.plan().value();
    CHECK(plan.steps.size() == 7);  // the namespace, two objects of all agents, two of each
    CHECK(to_json(plan).dump().find("s3cret") == std::string::npos);
    fixture.apply(score);
    CHECK(score.plan().value().steps.empty());
    const Json pod = fixture.live("Deployment", "fleet-agent-edge-north")["spec"]["template"];
    CHECK(pod["metadata"]["labels"]["io.nationtech.harmony/device"] == Json("edge-north"));
    CHECK(pod["metadata"]["labels"]["app.kubernetes.io/name"] == Json("fleet-agent-edge-north"));
    CHECK(pod["spec"]["containers"].items().at(0)["image"] ==
          Json("localhost/harmony/harmony-fleet-agent:v" HARMONY_VERSION));
    CHECK(fixture.live("Secret", "fleet-agent-edge-south")["data"].members().size() == 2);
}

TEST_CASE("a change of one device starts that device's agent anew and no other") {
    Fixture fixture;
    fixture.add_nats();
    auto score = fixture.score(kBoth);
    fixture.apply(score);
    auto changed = fixture.score(R"({"id":"edge-north","labels":{"site":"harbour"}},{"id":"edge-south"})");
    const auto plan = changed.plan().value();
    REQUIRE(plan.steps.size() == 2);
    CHECK(plan.steps[0].id == "Secret fleet/fleet-agent-edge-north");
    CHECK(plan.steps[1].id == "Deployment fleet/fleet-agent-edge-north");
    REQUIRE(fixture.secrets.put("nats/device/edge-south", "another"));
    CHECK(changed.plan().value().steps.size() == 4);
}

TEST_CASE("a device that is no longer named loses its workload and its Secret") {
    Fixture fixture;
    fixture.add_nats();
    auto both = fixture.score(kBoth);
    fixture.apply(both);
    auto one = fixture.score(kNorth);
    const auto plan = one.plan().value();
    REQUIRE(plan.steps.size() == 2);
    CHECK(plan.steps[0].action == Action::Delete);
    fixture.apply(one);
    CHECK(fixture.live("Deployment", "fleet-agent-edge-south").is_null());
    CHECK(fixture.live("Secret", "fleet-agent-edge-south").is_null());
    CHECK_FALSE(fixture.live("Deployment", "fleet-agent-edge-north").is_null());
    CHECK(one.plan().value().steps.empty());
}

TEST_CASE("destroy leaves nothing but the namespace, and says so") {
    Fixture fixture;
    fixture.add_nats();
    auto score = fixture.score(kNorth);
    fixture.apply(score);
    const auto plan = score.plan({.purpose = Purpose::Destroy}).value();
    REQUIRE(plan.steps.size() == 4);
    CHECK(plan.steps[0].summary == "the namespace stays");
    CHECK(score.destroy_all().value() == 4);
    CHECK(score.read().value().empty());
    CHECK(score.plan({.purpose = Purpose::Destroy}).value().steps.empty());
}

TEST_CASE("a server that is about to be there defers the plan, one that is not is named") {
    Fixture fixture;
    auto score = fixture.score(kNorth);
    const auto deferred = score.plan({.pending = {"FleetNatsScore"}}).value();
    CHECK(deferred.deferred);
    CHECK(deferred.steps.size() == 5);
    const auto missing = score.plan();
    REQUIRE_FALSE(missing);
    CHECK(missing.error().code == "agent.nats-not-found");
    fixture.add_nats();
    const auto stranger = fixture.score(R"({"id":"edge-west"})").plan();
    REQUIRE_FALSE(stranger);
    CHECK(stranger.error().code == "agent.credentials-missing");
    CHECK(stranger.error().hint == "add edge-west to FleetNatsScore.devices and apply it");
}

TEST_CASE("agents in pods run no containers, and who asks for it is told") {
    Fixture fixture;
    CHECK(fixture.score(kNorth).validate());
    CHECK(fixture.score(kNorth, R"(,"runtime_enabled":false)").validate());
    const auto asked = fixture.score(kNorth, R"(,"runtime_enabled":true)").validate();
    REQUIRE_FALSE(asked);
    CHECK(asked.error().path == "runtime_enabled");
    REQUIRE(fixture.score(kNorth, R"(,"insecure_registries":["registry.example.com"])").validate());
    CHECK(fixture.host.logs().back().message == "insecure_registries has no effect on a cluster");
}

TEST_CASE("what keeps an agent's pod from running is what verify says") {
    Fixture fixture;
    fixture.add_nats();
    auto score = fixture.score(kBoth);
    fixture.apply(score);
    fixture.cluster.stuck("fleet-agent-edge-south", "no node has room");
    const auto checks = score.verify();
    REQUIRE_FALSE(checks);
    CHECK(checks.error().summary.find("no node has room") != std::string::npos);
}
