#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "harmony/agent/commands.hpp"
#include "harmony/agent/desired_tracker.hpp"
#include "harmony/nats/fake_connection.hpp"
#include "harmony/nats/key_value.hpp"
#include "manual_clock.hpp"
#include "temporary_directory.hpp"

namespace harmony::agent {
namespace {

namespace nats = runtime::nats;
using namespace std::chrono_literals;

const auto kDevice = *contracts::DeviceId::parse("dev");
const auto kApp = *contracts::DeploymentName::parse("app");

struct Broker {
    std::shared_ptr<nats::FakeNatsServer> server = nats::FakeNatsServer::create();
    std::unique_ptr<nats::NatsConnection> connection = nats::FakeNatsConnection::create(server);
    nats::KeyValue bucket{*connection, "desired-state"};
    testing::ManualClock clock;

    Broker() {
        REQUIRE(connection->start({}));
        REQUIRE(nats::ensure_bucket(*connection, {.name = "desired-state"}, 1s));
    }
    DesiredTracker full(std::optional<HeldDesired> held = std::nullopt) {
        DesiredTracker tracker(*connection, kDevice, std::move(held));
        tracker.request_full(clock.steady());
        (void)tracker.advance(clock.steady());
        return tracker;
    }
    DesiredHint hint(const std::string& key, const std::string& value, bool deleted = false) const {
        nats::Message message;
        message.subject = "$KV.desired-state." + key;
        message.payload = value;
        if (deleted) message.headers.push_back({"KV-Operation", "DEL"});
        return DesiredHint::from(kDevice, message).value();
    }
};

}  // namespace

TEST_CASE("the index and the keys it lists are the desired state") {
    Broker broker;
    REQUIRE(broker.bucket.put("dev.app", "score"));
    REQUIRE(broker.bucket.put("dev.unlisted", "score"));
    REQUIRE(broker.bucket.put("dev._index", R"({"deployments":["app"]})"));
    CHECK(broker.full().held() == HeldDesired{{kApp, "score"}});
    // What the disk knew and the index no longer lists is gone.
    const auto gone = *contracts::DeploymentName::parse("gone");
    CHECK(broker.full(HeldDesired{{gone, "old"}}).held() == HeldDesired{{kApp, "score"}});
}

TEST_CASE("a broker that has lost the index or a key takes nothing from the device") {
    Broker broker;
    const HeldDesired held{{kApp, "score"}};
    CHECK(broker.full(held).held() == held);
    REQUIRE(broker.bucket.put("dev._index", R"({"deployments":["app"]})"));
    CHECK(broker.full(held).held() == held);
    broker.server->remove_bucket("desired-state");
    CHECK(broker.full(held).held() == held);
    CHECK_FALSE(broker.full().known());
}

TEST_CASE("an index that is none takes nothing and stops no other key, and the next good one is taken") {
    Broker broker;
    REQUIRE(broker.bucket.put("dev._index", R"({"deployments":["app"]})"));
    REQUIRE(broker.bucket.put("dev.app", "one"));
    auto tracker = broker.full();
    for (const char* nonsense : {"nonsense", R"({"deployments":["Not_A_Name"]})", R"({"deployments":{}})"}) {
        INFO(nonsense);
        const std::string next = tracker.held().at(kApp) + "+";
        REQUIRE(broker.bucket.put("dev.app", next));
        REQUIRE(broker.bucket.put("dev._index", nonsense));
        tracker.hint(broker.hint("dev.app", next), broker.clock.steady());
        tracker.hint(broker.hint("dev._index", nonsense), broker.clock.steady());
        (void)tracker.advance(broker.clock.steady());
        CHECK(tracker.held() == HeldDesired{{kApp, next}});
        REQUIRE(tracker.next_due());  // it is looked at again
    }
    REQUIRE(broker.bucket.put("dev._index", R"({"deployments":[]})"));
    broker.clock.advance(1min);
    CHECK(tracker.advance(broker.clock.steady()));
    CHECK(tracker.held().empty());
    CHECK_FALSE(tracker.next_due());
}

TEST_CASE("hints make the device read its keys, and a deletion removes") {
    Broker broker;
    REQUIRE(broker.bucket.put("dev._index", R"({"deployments":["app"]})"));
    REQUIRE(broker.bucket.put("dev.app", "one"));
    auto tracker = broker.full();
    CHECK_FALSE(tracker.next_due());
    REQUIRE(broker.bucket.put("dev.app", "two"));
    tracker.hint(broker.hint("dev.app", "two"), broker.clock.steady());
    CHECK(tracker.advance(broker.clock.steady()));
    CHECK(tracker.held().at(kApp) == "two");
    REQUIRE(broker.bucket.del("dev.app"));
    tracker.hint(broker.hint("dev.app", "", true), broker.clock.steady());
    CHECK(tracker.advance(broker.clock.steady()));
    CHECK(tracker.held().empty());
    CHECK(tracker.known());
}

TEST_CASE("a read that does not show yet what the hint told is repeated a few times") {
    Broker broker;
    REQUIRE(broker.bucket.put("dev._index", R"({"deployments":["app"]})"));
    REQUIRE(broker.bucket.put("dev.app", "one"));
    auto tracker = broker.full();
    tracker.hint(broker.hint("dev.app", "two"), broker.clock.steady());
    CHECK_FALSE(tracker.advance(broker.clock.steady()));
    REQUIRE(tracker.next_due());
    REQUIRE(broker.bucket.put("dev.app", "two"));
    broker.clock.advance(5ms);
    CHECK(tracker.advance(broker.clock.steady()));
    CHECK_FALSE(tracker.next_due());

    tracker.hint(broker.hint("dev.app", "never"), broker.clock.steady());
    for (int i = 0; i < 20; ++i) {
        CHECK_FALSE(tracker.advance(broker.clock.steady()));
        broker.clock.advance(200ms);
    }
    CHECK_FALSE(tracker.next_due());
}

TEST_CASE(
    "the same index twice in a row, or a deleted one, asks for everything that the device has to tell") {
    Broker broker;
    const std::string index = R"({"deployments":["app"]})";
    const auto hints = [&](DesiredTracker& tracker, const std::string& key, const std::string& value) {
        return tracker.hint(broker.hint(key, value), broker.clock.steady());
    };
    REQUIRE(broker.bucket.put("dev._index", R"({"deployments":[]})"));
    auto tracker = broker.full();
    CHECK_FALSE(hints(tracker, "dev.app", "one"));
    CHECK_FALSE(hints(tracker, "dev._index", index));
    CHECK_FALSE(hints(tracker, "dev.app", "one"));
    CHECK(hints(tracker, "dev._index", index));
    CHECK(hints(tracker, "dev._index", index));
    CHECK_FALSE(hints(tracker, "dev._index", R"({"deployments":[]})"));
    // The operator knows nothing of the device; what comes after that is no repetition.
    CHECK(tracker.hint(broker.hint("dev._index", "", true), broker.clock.steady()));
    CHECK_FALSE(hints(tracker, "dev._index", index));

    // What was read at the start counts as told.
    REQUIRE(broker.bucket.put("dev._index", index));
    auto restarted = broker.full();
    CHECK(hints(restarted, "dev._index", index));
}

TEST_CASE("another device's keys are no hints") {
    nats::Message message;
    message.subject = "$KV.desired-state.other.app";
    CHECK_FALSE(DesiredHint::from(kDevice, message));
    message.subject = "$KV.device-info.info.dev";
    CHECK_FALSE(DesiredHint::from(kDevice, message));
}

TEST_CASE("the stored desired state comes back, and a damaged or foreign file is refused") {
    testing::TemporaryDirectory directory;
    const DesiredStore store(directory.file("desired.json"), kDevice);
    CHECK_FALSE(store.load()->has_value());
    const HeldDesired held{{kApp, R"({"type":"PodmanV0"})"}};
    REQUIRE(store.save(held));
    CHECK(**store.load() == held);
    CHECK(digest_of(**store.load()) == digest_of(held));
    CHECK(digest_of(held) != digest_of({}));
    const DesiredStore foreign(directory.file("desired.json"), *contracts::DeviceId::parse("other"));
    CHECK(foreign.load().error().kind() == ErrorKind::Corrupt);
    std::ofstream(directory.file("desired.json")) << R"({"device_id":"dev","deployments":{"app":1}})";
    CHECK(store.load().error().kind() == ErrorKind::Corrupt);
    std::filesystem::resize_file(directory.file("desired.json"), 1'000'000'000);  // with a hole
    CHECK(store.load().error().kind() == ErrorKind::Corrupt);
}

TEST_CASE("commands are framed: unknown verbs, bad headers and passed deadlines") {
    testing::ManualClock clock;
    runtime::daemon::MetricsRegistry metrics;
    CommandDispatcher commands(kDevice, "1.2.3", clock, metrics);
    clock.advance(90s);
    nats::Message message{.subject = "device-commands.dev.ping", .payload = {}, .reply = "r", .headers = {}};
    const auto pong = contracts::PingReply::decode(commands.answer(message).value());
    REQUIRE(pong);
    CHECK(*pong == contracts::PingReply{kDevice, "1.2.3", 90});

    message.headers = {{"X-Harmony-Deadline", contracts::Timestamp().format()}};
    CHECK_FALSE(commands.answer(message));
    message.headers = {{"X-Harmony-Deadline", "soon"}};
    CHECK(commands.answer(message)->find("BadRequest") != std::string::npos);
    message.headers.clear();
    for (const char* verb : {"dance", "logs", "exec"}) {
        message.subject = std::string("device-commands.dev.") + verb;
        CHECK(commands.answer(message)->find("BadRequest") != std::string::npos);
    }
    message.reply.clear();
    CHECK_FALSE(commands.answer(message));
}

}  // namespace harmony::agent
