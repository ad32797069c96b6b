#include "harmony/fleet_client/fleet_api_client.hpp"

#include <catch2/catch.hpp>

#include "harmony/nats/fake_connection.hpp"

namespace {

namespace nats = harmony::runtime::nats;
using harmony::ErrorKind;
using harmony::runtime::fleet_client::FleetApiClient;

struct Fixture {
    std::shared_ptr<nats::FakeNatsServer> server = nats::FakeNatsServer::create();
    std::unique_ptr<nats::NatsConnection> client_side = nats::FakeNatsConnection::create(server);
    std::unique_ptr<nats::NatsConnection> operator_side = nats::FakeNatsConnection::create(server);
    nats::Subscription subscription;
    FleetApiClient api{*client_side, std::chrono::milliseconds(200)};

    Fixture() {
        REQUIRE(client_side->start({}));
        REQUIRE(operator_side->start({}));
    }
    void answer_with(const std::string& payload) {
        auto subscribed =
            operator_side->subscribe("fleet-api.v1.>", [this, payload](const nats::Message& request) {
                nats::Message reply;
                reply.subject = request.reply;
                reply.payload = payload;
                (void)operator_side->publish(reply);
            });
        REQUIRE(subscribed);
        subscription = std::move(*subscribed);
    }
};

}  // namespace

TEST_CASE("without an operator a call says that none listens") {
    Fixture fixture;
    const auto status = fixture.api.status();
    REQUIRE_FALSE(status);
    CHECK(status.error().kind() == ErrorKind::Unavailable);
    CHECK(status.error().text().find("no operator") != std::string::npos);
}

TEST_CASE("an error document becomes the error that it names") {
    Fixture fixture;
    fixture.answer_with(R"({"error":{"kind":"NotFound","message":"Deployment web: there is none"}})");
    const auto found = fixture.api.deployment("web");
    REQUIRE_FALSE(found);
    CHECK(found.error().kind() == ErrorKind::NotFound);
    CHECK(found.error().message() == "Deployment web: there is none");
}

TEST_CASE("an operator that is busy is asked again, until the deadline") {
    Fixture fixture;
    int asked = 0;
    int busy = 2;
    auto subscribed = fixture.operator_side->subscribe("fleet-api.v1.>", [&](const nats::Message& request) {
        nats::Message reply;
        reply.subject = request.reply;
        reply.payload = ++asked > busy
                            ? R"({"name":"web","pending":false})"
                            : R"({"error":{"kind":"RuntimeUnavailable","message":"the operator is busy"}})";
        (void)fixture.operator_side->publish(reply);
    });
    REQUIRE(subscribed);
    FleetApiClient patient(*fixture.client_side, std::chrono::seconds(30));
    CHECK(patient.delete_deployment("web"));
    CHECK(asked == 3);
    busy = 1'000'000;
    const auto refused = fixture.api.delete_deployment("web");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind() == ErrorKind::Unavailable);
    CHECK(refused.error().message() == "the operator is busy");
}

TEST_CASE("a reply that breaks the contract is refused with the field") {
    Fixture fixture;
    fixture.answer_with(R"({"name":7})");
    const auto deleted = fixture.api.delete_deployment("web");
    REQUIRE_FALSE(deleted);
    CHECK(deleted.error().kind() == ErrorKind::Corrupt);
    CHECK(deleted.error().text().find("name") != std::string::npos);
}

TEST_CASE("a reply becomes a typed document") {
    Fixture fixture;
    fixture.answer_with(harmony::contracts::DeleteReply{"web", true}.encode());
    const auto deleted = fixture.api.delete_deployment("web");
    REQUIRE(deleted);
    CHECK(deleted->pending);
}
