#include <catch2/catch.hpp>
#include <harmony/plugin/testing/fake_capabilities.hpp>
#include <harmony/plugin/testing/fake_host.hpp>

using namespace harmony::plugin;
using namespace harmony::plugin::testing;

namespace {

Container container_of(const std::string& device, const std::string& id) {
    return {.id = id,
            .name = id,
            .image = "x",
            .state = "running",
            .labels = {{"io.nationtech.harmony/managed-by", "harmony-fleet-agent"},
                       {"io.nationtech.harmony/device", device}}};
}

struct Fixture {
    explicit Fixture(bool with_podman = true) {
        host.offer<ProcessHost>(processes);
        host.offer<ServiceDirectory>(services);
        host.offer<SecretStore>(secrets);
        if (with_podman) host.offer<ContainerRuntime>(containers);
        services.add({"fleet-nats", "client", "127.0.0.1", 1});
    }
    void add_credentials(const std::string& device) {
        REQUIRE(secrets.put("nats/device/" + device, "s3cret-" + device));
    }
    ScoreHandle score(const std::vector<std::string>& devices, bool runtime_enabled = true) {
        Json list = Json::array();
        for (const auto& id : devices) {
            list.push_back(Json::object({{"id", id}, {"labels", Json::object({{"site", id}})}}));
        }
        return host
            .score("FleetAgentScore", Json::object({{"devices", list}, {"runtime_enabled", runtime_enabled}}))
            .value();
    }
    void apply(ScoreHandle& handle) {
        const auto plan = handle.plan().value();
        for (const auto& step : plan.steps)
            REQUIRE(handle.apply(step));
    }

    FakeHost host{harmony_plugin_entry_1};
    FakeProcessHost processes;
    FakeServiceDirectory services;
    FakeSecretStore secrets;
    FakeContainerRuntime containers;
};

}  // namespace

TEST_CASE("each device gets an agent with its own credentials, and the plan after it is empty") {
    Fixture fixture;
    fixture.add_credentials("edge-north");
    fixture.add_credentials("edge-south");
    auto score = fixture.score({"edge-north", "edge-south"});
    const auto plan = score.plan().value();
    CHECK(plan.steps.size() == 2);
    CHECK(to_json(plan).dump().find("s3cret") == std::string::npos);
    CHECK_FALSE(fixture.containers.running());
    fixture.apply(score);
    CHECK(fixture.containers.running());
    CHECK(score.plan().value().steps.empty());
    const auto& files = fixture.processes.spec("fleet-agent-edge-south")->files;
    CHECK(files.at(0).content.find("\"site\" = \"edge-south\"") != std::string::npos);
    CHECK(files.at(0).content.find("s3cret") == std::string::npos);
    CHECK(files.at(1).content == "nats_user = \"device-edge-south\"\nnats_pass = \"s3cret-edge-south\"\n");
    CHECK(files.at(1).sensitive);
}

TEST_CASE("a device without credentials is named with what to do") {
    Fixture fixture;
    fixture.add_credentials("edge-north");
    const auto plan = fixture.score({"edge-north", "edge-south"}).plan();
    REQUIRE_FALSE(plan);
    CHECK(plan.error().code == "agent.credentials-missing");
    CHECK(plan.error().status == HP_E_INVALID);
    CHECK(plan.error().hint == "add edge-south to FleetNatsScore.devices and apply it");
}

TEST_CASE("credentials that are about to be there defer the plan") {
    Fixture fixture;
    const auto plan = fixture.score({"edge-north"}).plan({.pending = {"FleetNatsScore"}}).value();
    CHECK(plan.deferred);
    CHECK(plan.steps.size() == 1);
}

TEST_CASE("without podman the plan says how to get it or how to do without") {
    Fixture fixture(false);
    fixture.add_credentials("edge-north");
    const auto plan = fixture.score({"edge-north"}).plan();
    REQUIRE_FALSE(plan);
    CHECK(plan.error().code == "agent.podman-missing");
    CHECK(plan.error().status == HP_E_INVALID);
    auto without = fixture.score({"edge-north"}, false);
    fixture.apply(without);
    CHECK(fixture.processes.spec("fleet-agent-edge-north")->files.at(0).content.find("[podman]") ==
          std::string::npos);
}

TEST_CASE("a device that is no longer named loses its agent and its containers, the others keep theirs") {
    Fixture fixture;
    fixture.add_credentials("edge-north");
    fixture.add_credentials("edge-south");
    auto both = fixture.score({"edge-north", "edge-south"});
    fixture.apply(both);
    fixture.containers.add(container_of("edge-north", "n1"));
    fixture.containers.add(container_of("edge-south", "s1"));
    auto one = fixture.score({"edge-north"});
    CHECK(one.plan().value().steps.size() == 2);
    fixture.apply(one);
    CHECK(fixture.processes.spec("fleet-agent-edge-south") == nullptr);
    CHECK(fixture.processes.spec("fleet-agent-edge-north") != nullptr);
    CHECK(fixture.containers.containers({{"io.nationtech.harmony/device", "edge-south"}}).value().empty());
    CHECK(fixture.containers.containers({{"io.nationtech.harmony/device", "edge-north"}}).value().size() ==
          1);
    CHECK(one.plan().value().steps.empty());
}

TEST_CASE("destroy leaves no agent and no container, also where an agent is already gone") {
    Fixture fixture;
    fixture.add_credentials("edge-north");
    auto score = fixture.score({"edge-north"});
    fixture.apply(score);
    fixture.containers.add(container_of("edge-north", "n1"));
    REQUIRE(fixture.processes.remove("fleet-agent-edge-north", true));
    CHECK(score.destroy_all().value() == 1);
    CHECK(fixture.containers.containers({{"io.nationtech.harmony/device", "edge-north"}}).value().empty());
    CHECK(score.read().value().empty());
}

TEST_CASE("an id that makes no daemon's name, a device named twice and a wrong label are named") {
    Fixture fixture;
    CHECK(fixture.score({std::string(60, 'x')}).validate().error().path == "devices[0].id");
    CHECK(fixture.score({"edge", "edge"}).validate().error().path == "devices[1].id");
    auto wrong = fixture.host.score(
        "FleetAgentScore",
        Json::parse(R"({"devices":[{"id":"edge","labels":{"site":"not a label"}}]})").value());
    CHECK(wrong.value().validate().error().path == "devices[0].labels");
    CHECK_FALSE(fixture.host.score("FleetAgentScore", Json::parse(R"({"devices":[]})").value()));
}

TEST_CASE("registries and intervals reach the agent's configuration, and a wrong registry is named") {
    Fixture fixture;
    fixture.add_credentials("edge");
    const auto with = [&](const std::string& further) {
        return fixture.host.score("FleetAgentScore",
                                  Json::parse(R"({"devices":[{"id":"edge"}])" + further + "}").value());
    };
    auto score =
        with(
            R"(,"registry_auth_file":"/etc/harmony/registries.json","reconcile_interval_s":5,"exec_host_enabled":true,
                         "insecure_registries":["registry.example.com:5000","10.0.0.5"])")
            .value();
    REQUIRE(score.validate());
    fixture.apply(score);
    const std::string text = fixture.processes.spec("fleet-agent-edge")->files.at(0).content;
    CHECK(text.find("registry_auth_file = \"/etc/harmony/registries.json\"\n") != std::string::npos);
    CHECK(text.find("insecure_registries = [\"registry.example.com:5000\", \"10.0.0.5\"]\n") !=
          std::string::npos);
    CHECK(text.find("reconcile_interval_s = 5\n") != std::string::npos);
    CHECK(text.find("[exec]\nhost_enabled = true\n") != std::string::npos);
    CHECK(
        with(R"(,"insecure_registries":["https://registry.example.com"])").value().validate().error().path ==
        "insecure_registries[0]");
    CHECK_FALSE(with(R"(,"registry_auth_file":"registries.json")"));
    CHECK_FALSE(with(R"(,"reconcile_interval_s":0)"));
}
