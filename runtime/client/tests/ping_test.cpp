// Ping against a real server: who is there, who is not, and what a bad answer becomes.
#include <catch2/catch.hpp>

#include "harmony/fleet_client/fleet_commands_client.hpp"
#include "harmony/nats_testing/nats_server.hpp"

namespace {

namespace nats = harmony::runtime::nats;
using harmony::contracts::CommandFailureKind;
using harmony::contracts::DeviceId;
using harmony::runtime::fleet_client::FleetCommandsClient;
using namespace std::chrono_literals;

struct Fixture {
    harmony::runtime::nats_testing::NatsServerFixture server{{.jetstream = false, .extra_config = ""}};
    std::unique_ptr<nats::NatsConnection> client = server.connect();
    std::unique_ptr<nats::NatsConnection> agent = server.connect();
    DeviceId device = DeviceId::parse("edge-1").value();
    FleetCommandsClient commands{*client, "tester"};
    nats::Subscription subscription;

    template <class Answer>
    void agent_answers(Answer answer) {
        auto subscribed = agent->subscribe(harmony::contracts::command_subscription(device),
                                           [this, answer](const nats::Message& request) {
                                               nats::Message reply;
                                               reply.subject = request.reply;
                                               reply.payload = answer(request);
                                               (void)agent->publish(reply);
                                           });
        REQUIRE(subscribed);
        subscription = std::move(*subscribed);
        REQUIRE(agent->flush(5s));
    }
};

}  // namespace

TEST_CASE("a device nobody answers for is offline within a second") {
    Fixture fixture;
    const auto before = std::chrono::steady_clock::now();
    const auto reply = fixture.commands.ping(fixture.device);
    const auto took = std::chrono::steady_clock::now() - before;
    REQUIRE_FALSE(reply);
    CHECK(reply.error().kind == CommandFailureKind::DeviceOffline);
    CHECK(took < harmony::contracts::kOfflineDeadline);
}

TEST_CASE("a ping carries its headers and brings id, version and uptime back") {
    Fixture fixture;
    fixture.agent_answers([](const nats::Message& request) -> std::string {
        if (!request.header(harmony::contracts::kRequestIdHeader) ||
            !request.header(harmony::contracts::kDeadlineHeader) ||
            request.header(harmony::contracts::kOperatorSubHeader) != "tester") {
            return "no headers";
        }
        return harmony::contracts::PingReply{DeviceId::parse("edge-1").value(), "0.1.0", 42}.encode();
    });
    const auto reply = fixture.commands.ping(fixture.device);
    REQUIRE(reply);
    CHECK(reply->agent_version == "0.1.0");
    CHECK(reply->uptime_s == 42);
}

TEST_CASE("an answer that is no ping reply, or another device's, is a bad reply") {
    Fixture fixture;
    const std::string answer = GENERATE(as<std::string>{}, "garbage", "{}",
                                        R"({"device_id":"edge-2","agent_version":"0.1.0","uptime_s":1})");
    fixture.agent_answers([answer](const nats::Message&) { return answer; });
    const auto reply = fixture.commands.ping(fixture.device);
    REQUIRE_FALSE(reply);
    CHECK(reply.error().kind == CommandFailureKind::BadReply);
}

TEST_CASE("the agent's own error keeps its kind") {
    Fixture fixture;
    fixture.agent_answers([](const nats::Message&) -> std::string {
        return R"({"error":{"kind":"Forbidden","message":"not here"}})";
    });
    const auto reply = fixture.commands.ping(fixture.device);
    REQUIRE_FALSE(reply);
    CHECK(reply.error().kind == CommandFailureKind::Agent);
    CHECK(reply.error().agent == harmony::contracts::RemoteErrorKind::Forbidden);
}

TEST_CASE("a device that is there and silent is a timeout") {
    Fixture fixture;
    auto silent = fixture.agent->subscribe(harmony::contracts::command_subscription(fixture.device),
                                           [](const nats::Message&) {});
    REQUIRE(silent);
    REQUIRE(fixture.agent->flush(5s));
    const auto reply = fixture.commands.ping(fixture.device, 150ms);
    REQUIRE_FALSE(reply);
    CHECK(reply.error().kind == CommandFailureKind::Timeout);
}
