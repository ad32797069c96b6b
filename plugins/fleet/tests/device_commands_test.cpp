// `logs` and `exec` through the plugin's C interface, against a real broker; the agent's side is a few lines
// of the contract.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <harmony/plugin/testing/fake_capabilities.hpp>
#include <harmony/plugin/testing/fake_host.hpp>
#include <thread>

#include "fleet_session.hpp"
#include "harmony/contracts/commands.hpp"
#include "harmony/contracts/fleet_api.hpp"
#include "harmony/nats_testing/nats_server.hpp"

using namespace harmony;
using namespace harmony::plugin;
using namespace harmony::plugin::testing;
namespace nats = harmony::runtime::nats;
using runtime::nats_testing::NatsServerFixture;

namespace {

struct Fixture {
    Fixture() {
        services.add({"fleet-nats", "client", "127.0.0.1", server.port()});
        REQUIRE(secrets.put("nats/admin", "a"));
        host.offer<ServiceDirectory>(services);
        host.offer<SecretStore>(secrets);
        host.answer("host.output", [this](const Json& params) -> plugin::Result<Json> {
            if (closed) return failure("host.output-closed", "nobody reads");
            const std::string text = params["text"].string_or("");
            (params["stream"].string_or("stdout") == "stderr" ? err : out) += text;
            if (!params["label"].string_or("").empty()) labels.push_back(params["label"].string_or(""));
            return Json::object();
        });
        peer = server.connect({"admin", "a"});
    }
    void answer(std::string_view subject, std::function<void(const nats::Message&)> reply) {
        auto subscription = peer->subscribe(std::string(subject), std::move(reply));
        REQUIRE(subscription);
        subscriptions.push_back(std::move(*subscription));
        REQUIRE(peer->flush(std::chrono::seconds(5)));
    }
    void send(const nats::Message& request, std::string payload) {
        CHECK(peer->publish({request.reply, std::move(payload), "", {}}));
    }
    void send_lines(const nats::Message& request, const std::string& service, std::int64_t sequence,
                    std::vector<std::string> lines) {
        contracts::LogsReply reply;
        reply.source = "hf.edge.web." + service;
        reply.service = service;
        reply.captured_at = contracts::Timestamp::now();
        reply.sequence = sequence;
        reply.lines = std::move(lines);
        send(request, reply.encode());
    }
    void send_end(const nats::Message& request, std::int64_t sequence) {
        contracts::LogsReply reply;
        reply.source = "web";
        reply.captured_at = contracts::Timestamp::now();
        reply.sequence = sequence;
        reply.end = contracts::LogsEnd::Complete;
        send(request, reply.encode());
    }

    NatsServerFixture server{{.extra_config = "authorization: { users: [ {user: admin, password: a} ] }\n"}};
    std::unique_ptr<nats::NatsConnection> peer;
    std::vector<nats::Subscription> subscriptions;
    FakeServiceDirectory services;
    FakeSecretStore secrets;
    FakeHost host{harmony_plugin_entry_1};
    std::string out;
    std::string err;
    std::vector<std::string> labels;
    bool closed = false;
};

Json words(std::initializer_list<const char*> argv) {
    Json list = Json::array();
    for (const char* word : argv)
        list.push_back(word);
    return list;
}

}  // namespace

TEST_CASE("exec puts both streams where they belong and ends with the program's exit code") {
    Fixture fixture;
    fixture.answer("device-commands.edge.exec", [&](const nats::Message& request) {
        const auto asked = contracts::ExecRequest::decode(request.payload).value();
        CHECK(asked.deployment->str() == "web");
        CHECK(asked.service == "site");
        CHECK(asked.argv == std::vector<std::string>{"ls", "-l"});
        CHECK(request.header(contracts::kOperatorSubHeader) == fleet::operator_name());
        fixture.send(request, contracts::ExecReply{7, "out\n", "err\n", true}.encode());
    });
    const auto ran = fixture.host.command(
        "fleet exec",
        Json::object({{"device", "edge"}, {"target", "web/site"}, {"argv", words({"ls", "-l"})}}));
    REQUIRE(ran);
    CHECK(ran->exit_code == 7);
    CHECK(fixture.out == "out\n");
    CHECK_THAT(fixture.err, Catch::StartsWith("err\n-- the output is not complete"));
    CHECK((*ran->data)["stderr"].string_or("") == "err\n");
}

TEST_CASE("exec on the host takes every word for the program, and one place only") {
    Fixture fixture;
    fixture.answer("device-commands.edge.exec", [&](const nats::Message& request) {
        const auto asked = contracts::ExecRequest::decode(request.payload).value();
        CHECK(asked.host);
        CHECK(asked.argv == std::vector<std::string>{"ls", "-l"});
        fixture.send(request, contracts::ExecReply{0, "", "", false}.encode());
    });
    const auto ran = fixture.host.command(
        "fleet exec",
        Json::object({{"device", "edge"}, {"host", true}, {"target", "ls"}, {"argv", words({"-l"})}}));
    REQUIRE(ran);
    CHECK(ran->exit_code == 0);
    const auto nothing =
        fixture.host.command("fleet exec", Json::object({{"device", "edge"}, {"target", "web"}}));
    REQUIRE_FALSE(nothing);
    CHECK(nothing.error().status == HP_E_INVALID);
    CHECK(nothing.error().exit_code == 0);
}

TEST_CASE("exec that did not run ends with 255 and says what may have been meant") {
    Fixture fixture;
    contracts::Device known;
    known.metadata.name = "edge-north";
    fixture.answer(contracts::kDevicesList, [&](const nats::Message& request) {
        fixture.send(request, contracts::DeviceList{{known}, std::nullopt}.encode());
    });
    const auto ask = [&](const char* device) {
        const auto ran = fixture.host.command(
            "fleet exec", Json::object({{"device", device}, {"target", "web"}, {"argv", words({"true"})}}));
        REQUIRE_FALSE(ran);
        CHECK(ran.error().exit_code == 255);
        return ran.error();
    };
    const auto typo = ask("edge-nort");
    CHECK(typo.code == "fleet.device-offline");
    CHECK(typo.hint == "did you mean \"edge-north\"?");
    fixture.answer("device-commands.edge-north.exec", [&](const nats::Message& request) {
        fixture.send(request,
                     contracts::RemoteError{contracts::RemoteErrorKind::Forbidden, "not here"}.encode());
    });
    const auto refused = ask("edge-north");
    CHECK(refused.code == "fleet.refused");
    CHECK(refused.summary == "Agent{Forbidden}: not here");
}

TEST_CASE("logs print their lines as data, and with several services whose they are") {
    Fixture fixture;
    fixture.answer("device-commands.edge.logs", [&](const nats::Message& request) {
        const auto asked = contracts::LogsRequest::decode(request.payload).value();
        CHECK(asked.lines == 20);
        CHECK(asked.since.has_value());
        fixture.send_lines(request, "site", 0, {"one", "two"});
        if (!asked.service) fixture.send_lines(request, "db", 1, {"three"});
        fixture.send_end(request, asked.service ? 1 : 2);
    });
    Json arguments = Json::object({{"device", "edge"}, {"target", "web"}, {"lines", 20}, {"since", "10m"}});
    const auto all = fixture.host.command("fleet logs", arguments);
    REQUIRE(all);
    CHECK_FALSE(all->exit_code);
    CHECK(fixture.out == "one\ntwo\nthree\n");
    CHECK(fixture.labels == std::vector<std::string>{"site", "db"});
    CHECK(fixture.err.empty());
    fixture.labels.clear();
    arguments["target"] = "web/site";
    CHECK(fixture.host.command("fleet logs", arguments));
    CHECK(fixture.labels.empty());
}

TEST_CASE("logs say what was lost and what became of the container, beside the lines") {
    Fixture fixture;
    fixture.answer("device-commands.edge.logs", [&](const nats::Message& request) {
        contracts::LogsReply reply;
        reply.source = "hf.edge.web.site";
        reply.service = "site";
        reply.captured_at = contracts::Timestamp::now();
        reply.sequence = 2;
        reply.lost_lines = 5;
        reply.lines = {"x"};
        reply.event = contracts::LogsEvent::Ended;
        fixture.send(request, reply.encode());
        fixture.send_end(request, 3);
    });
    REQUIRE(fixture.host.command("fleet logs", Json::object({{"device", "edge"}, {"target", "web/site"}})));
    CHECK(fixture.out == "x\n");
    CHECK_THAT(fixture.err, Catch::Contains("2 replies"));
    CHECK_THAT(fixture.err, Catch::Contains("site: 5 lines were lost"));
    CHECK_THAT(fixture.err, Catch::Contains("site: its container has ended"));
}

TEST_CASE("followed logs end when nobody reads them any more, and the device hears of it") {
    Fixture fixture;
    std::atomic<bool> ended = false;
    fixture.answer("device-commands.edge.logs", [&](const nats::Message& request) {
        const auto asked = contracts::LogsRequest::decode(request.payload).value();
        if (asked.lease == contracts::FollowLease::Open) fixture.send_lines(request, "site", 0, {"one"});
        if (asked.lease == contracts::FollowLease::End) ended = true;
    });
    fixture.closed = true;
    REQUIRE(fixture.host.command(
        "fleet logs", Json::object({{"device", "edge"}, {"target", "web/site"}, {"follow", true}})));
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!ended && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    CHECK(ended);
}

TEST_CASE("logs of a deployment that is not there say which may be meant") {
    Fixture fixture;
    auto known =
        contracts::Deployment::decode(
            R"({"apiVersion":"fleet.nationtech.io/v1alpha1","kind":"Deployment","metadata":{"name":"web"},)"
            R"("spec":{"targetSelector":{},"score":{"type":"PodmanV0","data":{"services":[{"name":"s",)"
            R"("image":"localhost/x:1"}]}}}})")
            .value();
    fixture.answer(contracts::kDeploymentsList, [&](const nats::Message& request) {
        fixture.send(request, contracts::DeploymentList{{known}, std::nullopt}.encode());
    });
    fixture.answer("device-commands.edge.logs", [&](const nats::Message& request) {
        fixture.send(request,
                     contracts::RemoteError{contracts::RemoteErrorKind::NotFound, "no such thing"}.encode());
    });
    const auto refused =
        fixture.host.command("fleet logs", Json::object({{"device", "edge"}, {"target", "wbe"}}));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == "fleet.not-found");
    CHECK(refused.error().hint == "did you mean \"web\"?");
}

TEST_CASE("who asks is the user on this machine unless the environment names somebody") {
    unsetenv("HARMONY_OPERATOR");
    CHECK(fleet::operator_name().find('@') != std::string::npos);
    setenv("HARMONY_OPERATOR", "ada\n", 1);
    CHECK(fleet::operator_name() == "ada?");
    setenv("HARMONY_OPERATOR", std::string(1'000, 'x').c_str(), 1);
    CHECK(fleet::operator_name().size() == contracts::kMaxOperatorSubBytes);
    unsetenv("HARMONY_OPERATOR");
}
