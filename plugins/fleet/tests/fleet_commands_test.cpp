// The commands against a real broker; the operator's and the agent's side are a few lines of the contract.
#include <catch2/catch.hpp>
#include <harmony/plugin/testing/fake_capabilities.hpp>
#include <harmony/plugin/testing/fake_host.hpp>

#include "harmony/contracts/commands.hpp"
#include "harmony/contracts/fleet_api.hpp"
#include "harmony/nats_testing/nats_server.hpp"

using namespace harmony;
using namespace harmony::plugin;
using namespace harmony::plugin::testing;
namespace nats = harmony::runtime::nats;
using runtime::nats_testing::NatsServerFixture;

namespace {

constexpr const char* kDocument =
    R"({"apiVersion":"fleet.nationtech.io/v1alpha1","kind":"Deployment","metadata":{"name":"hello"},"spec":{)"
    R"("targetSelector":{"matchLabels":{"site":"north"}},"score":{"type":"PodmanV0","data":{"services":[)"
    R"({"name":"web","image":"localhost/x:1"}]}}}})";

struct Fixture {
    Fixture() {
        services.add({"fleet-nats", "client", "127.0.0.1", server.port()});
        REQUIRE(secrets.put("nats/admin", "a"));
        host.offer<ServiceDirectory>(services);
        host.offer<SecretStore>(secrets);
        peer = server.connect({"admin", "a"});
    }
    // Answers every request on the subject.
    void answer(std::string_view subject, std::function<std::string(const nats::Message&)> reply) {
        auto subscription =
            peer->subscribe(std::string(subject), [this, reply](const nats::Message& request) {
                nats::Message message;
                message.subject = request.reply;
                message.payload = reply(request);
                (void)peer->publish(message);
            });
        REQUIRE(subscription);
        subscriptions.push_back(std::move(*subscription));
        REQUIRE(peer->flush(std::chrono::seconds(5)));
    }

    NatsServerFixture server{{.extra_config = "authorization: { users: [ {user: admin, password: a} ] }\n"}};
    std::unique_ptr<nats::NatsConnection> peer;
    std::vector<nats::Subscription> subscriptions;
    FakeServiceDirectory services;
    FakeSecretStore secrets;
    FakeHost host{harmony_plugin_entry_1};
};

Json file(const std::string& content) {
    return Json::object({{"file", Json::object({{"path", "hello.yaml"}, {"content", content}})}});
}

contracts::Deployment deployment(std::int64_t succeeded, std::int64_t failed) {
    auto document = contracts::Deployment::decode(kDocument).value();
    document.metadata.generation = 1;
    document.status.emplace();
    document.status->observed_generation = 1;
    auto& aggregate = document.status->aggregate;
    aggregate.matched_device_count = succeeded + failed;
    aggregate.succeeded = succeeded;
    aggregate.failed = failed;
    if (failed > 0) aggregate.last_error = contracts::AggregateError{"edge-north", "no such image", {}};
    return document;
}

}  // namespace

TEST_CASE("a ping shows version and uptime, and nobody is DeviceOffline at once") {
    Fixture fixture;
    fixture.answer("device-commands.edge-north.>", [](const nats::Message&) {
        return contracts::PingReply{contracts::DeviceId::parse("edge-north").value(), "1.2.3", 42}.encode();
    });
    const auto there =
        fixture.host.command("fleet ping", Json::object({{"device", Json::array({"edge-north"})}}));
    REQUIRE(there);
    CHECK_FALSE(there->failed);
    CHECK(there->data->items().at(0)["agent_version"].string_or("") == "1.2.3");
    CHECK(there->data->items().at(0)["uptime_s"].integer_or(0) == 42);
    // Were it not at once, it would be a Timeout; the scenario ping_offline measures it.
    const auto away = fixture.host.command("fleet ping", Json::object({{"device", Json::array({"nobody"})}}));
    REQUIRE(away);
    CHECK(away->failed);
    CHECK(away->data->items().at(0)["error"]["kind"].string_or("") == "DeviceOffline");
}

TEST_CASE("apply refuses a wrong document before anything is sent") {
    Fixture fixture;
    const auto refused = fixture.host.command("fleet apply", file("kind: Deployment\n"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().status == HP_E_INVALID);
    CHECK(refused.error().summary.find("hello.yaml: document 1") == 0);
}

TEST_CASE("apply with --wait fails when a device failed") {
    Fixture fixture;
    const std::int64_t failed = GENERATE(0, 1);
    fixture.answer(contracts::kDeploymentsApply, [&](const nats::Message&) {
        return contracts::ApplyReply{contracts::ApplyChange::Created, deployment(1, failed)}.encode();
    });
    fixture.answer(contracts::kDeploymentsGet, [&](const nats::Message&) {
        return contracts::DeploymentReply{deployment(1, failed)}.encode();
    });
    Json arguments = file(kDocument);
    arguments["wait"] = true;
    const auto applied = fixture.host.command("fleet apply", arguments);
    REQUIRE(applied);
    CHECK(applied->failed == (failed > 0));
    CHECK((applied->text.find("no such image") != std::string::npos) == (failed > 0));
}

TEST_CASE("deployments shows counts and the reason with its device, data is the documents") {
    Fixture fixture;
    fixture.answer(contracts::kDeploymentsList, [](const nats::Message&) {
        return contracts::DeploymentList{{deployment(2, 1)}, std::nullopt}.encode();
    });
    const auto list = fixture.host.command("fleet deployments");
    REQUIRE(list);
    const Json& row = list->tables.at(0).rows.at(0);
    CHECK(row["matched"].integer_or(0) == 3);
    CHECK(row["reason"].string_or("") == "edge-north: no such image");
    CHECK(list->data->items().at(0)["kind"].string_or("") == "Deployment");
}

namespace {

// A rolling one that stands with this reason.
contracts::Deployment rolling(const std::string& reason, const std::string& message, bool holds) {
    auto document = deployment(1, 1);
    document.spec.rollout = contracts::Rolling{};
    document.metadata.resource_version = "7";
    document.status->aggregate.matched_device_count = 3;
    document.status->aggregate.pending = 1;
    document.status->rollout = contracts::RolloutStatus{1, 1};
    document.status->failures = {{"edge-north", "no such image", {}}};
    const auto status = holds ? contracts::ConditionStatus::True : contracts::ConditionStatus::False;
    document.status->conditions = {{"Progressing", status, reason, message, {}}};
    return document;
}

}  // namespace

TEST_CASE("apply with --wait ends with an error when the rollout is halted") {
    Fixture fixture;
    const auto halted = rolling("RolloutHalted", "1 of 2 updated; halted: 1 failed", false);
    fixture.answer(contracts::kDeploymentsApply, [&](const nats::Message&) {
        return contracts::ApplyReply{contracts::ApplyChange::Configured, halted}.encode();
    });
    int asked = 0;
    fixture.answer(contracts::kDeploymentsGet, [&](const nats::Message&) {
        const auto moving = rolling("RollingOut", "0 of 2 updated", true);
        return contracts::DeploymentReply{++asked < 3 ? moving : halted}.encode();
    });
    Json arguments = file(kDocument);
    arguments["wait"] = true;
    const auto applied = fixture.host.command("fleet apply", arguments);
    REQUIRE_FALSE(applied);
    CHECK(applied.error().code == "fleet.halted");
    CHECK(applied.error().summary.find("1 of 2 updated; halted: 1 failed") != std::string::npos);
    CHECK(asked == 3);
}

TEST_CASE("deployments with a name shows conditions, rollout and failing devices, data is the document") {
    Fixture fixture;
    fixture.answer(contracts::kDeploymentsGet, [](const nats::Message&) {
        return contracts::DeploymentReply{rolling("RollingOut", "1 of 2 updated, 1 unavailable", true)}
            .encode();
    });
    const auto shown = fixture.host.command("fleet deployments", Json::object({{"name", "hello"}}));
    REQUIRE(shown);
    CHECK(shown->text.find("rollout: 1 of 3 updated, 1 unavailable") != std::string::npos);
    CHECK(shown->tables.at(0).rows.at(0)["reason"].string_or("") == "RollingOut");
    CHECK(shown->tables.at(1).rows.at(0)["device"].string_or("") == "edge-north");
    CHECK((*shown->data)["kind"].string_or("") == "Deployment");
}

TEST_CASE("the list shows how a rollout goes") {
    Fixture fixture;
    fixture.answer(contracts::kDeploymentsList, [](const nats::Message&) {
        return contracts::DeploymentList{{rolling("RollingOut", "1 of 3 updated", true)}, std::nullopt}
            .encode();
    });
    const auto list = fixture.host.command("fleet deployments");
    REQUIRE(list);
    CHECK(list->tables.at(0).rows.at(0)["reason"].string_or("") ==
          "1 of 3 updated; edge-north: no such image");
}

TEST_CASE("pause and resume change spec.paused alone, and try again when somebody else was faster") {
    Fixture fixture;
    auto stored = rolling("RollingOut", "1 of 2 updated", true);
    stored.spec.paused = GENERATE(false, true);
    const bool pause = !stored.spec.paused;
    fixture.answer(contracts::kDeploymentsGet,
                   [&](const nats::Message&) { return contracts::DeploymentReply{stored}.encode(); });
    std::vector<contracts::Deployment> asked;
    fixture.answer(contracts::kDeploymentsApply, [&](const nats::Message& request) {
        asked.push_back(contracts::ApplyRequest::decode(request.payload).value().deployment);
        if (asked.size() == 1)
            return contracts::RemoteError{contracts::RemoteErrorKind::Conflict, "read again"}.encode();
        return contracts::ApplyReply{contracts::ApplyChange::Configured, asked.back()}.encode();
    });
    const auto done = fixture.host.command(pause ? "fleet pause" : "fleet resume",
                                           Json::object({{"name", Json::array({"hello"})}}));
    REQUIRE(done);
    REQUIRE(asked.size() == 2);
    CHECK(asked[1].spec.paused == pause);
    CHECK(asked[1].spec.score == stored.spec.score);
    CHECK(asked[1].metadata.resource_version == "7");
    CHECK(done->data->items().at(0)["changed"].boolean_or(false));
    CHECK(done->text == (pause ? "deployment/hello paused\n" : "deployment/hello resumed\n"));
}

TEST_CASE("devices tells what was refused of a device and which entries are ignored") {
    Fixture fixture;
    contracts::Device device;
    device.metadata.name = "edge-north";
    device.status.emplace();
    device.status->conditions = {
        {"InfoAccepted", contracts::ConditionStatus::False, "Malformed", "labels: many", {}}};
    fixture.answer(contracts::kDevicesList, [&](const nats::Message&) {
        return contracts::DeviceList{{device}, std::nullopt}.encode();
    });
    fixture.answer(contracts::kFleetStatus, [](const nats::Message&) {
        contracts::FleetStatusReply reply;
        reply.operator_version = "1";
        reply.ignored_count = 1;
        reply.ignored_entries = {{"device-state", "state.x", "no JSON"}};
        return reply.encode();
    });
    const auto shown = fixture.host.command("fleet devices");
    REQUIRE(shown);
    CHECK(shown->text.find("edge-north: its information was refused: labels: many") != std::string::npos);
    CHECK(shown->text.find("device-state state.x: no JSON") != std::string::npos);
}

TEST_CASE("delete waits until the operator has forgotten the deployment") {
    Fixture fixture;
    int asked = 0;
    fixture.answer(contracts::kDeploymentsDelete, [](const nats::Message&) {
        return contracts::DeleteReply{"hello", true}.encode();
    });
    fixture.answer(contracts::kDeploymentsGet, [&](const nats::Message&) {
        if (++asked < 3) return contracts::DeploymentReply{deployment(1, 0)}.encode();
        return contracts::RemoteError{contracts::RemoteErrorKind::NotFound, "no such deployment"}.encode();
    });
    const auto deleted =
        fixture.host.command("fleet delete", Json::object({{"name", Json::array({"hello"})}}));
    REQUIRE(deleted);
    CHECK(asked == 3);
    CHECK(deleted->data->items().at(0)["gone"].boolean_or(false));
}

TEST_CASE("where no operator or no server answers, the error says so") {
    Fixture fixture;
    const auto alone = fixture.host.command("fleet devices");
    REQUIRE_FALSE(alone);
    CHECK(alone.error().code == "fleet.unavailable");
    CHECK_FALSE(alone.error().hint.empty());
    fixture.server.stop();
    const auto gone = fixture.host.command("fleet devices");
    REQUIRE_FALSE(gone);
    CHECK(gone.error().code == "fleet.unavailable");
    CHECK(gone.error().summary.find("NATS at ") == 0);
}
