#include "harmony/agent/control_logic.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "harmony/contracts/heartbeat.hpp"
#include "harmony/nats/fake_connection.hpp"
#include "manual_clock.hpp"

namespace harmony::agent {
namespace {

namespace nats = runtime::nats;
using namespace std::chrono_literals;

struct Bench {
    testing::ManualClock clock;
    runtime::daemon::MetricsRegistry metrics;
    std::shared_ptr<nats::FakeNatsServer> server = nats::FakeNatsServer::create();
    std::unique_ptr<nats::NatsConnection> connection = nats::FakeNatsConnection::create(server);
    ControlLogic control{{*contracts::DeviceId::parse("dev"), "1.2.3", 30s}, *connection, clock, metrics};

    Bench() { REQUIRE(connection->start({})); }

    [[nodiscard]] std::vector<contracts::Heartbeat> beats() const {
        std::vector<contracts::Heartbeat> result;
        for (const nats::Message& message : server->published("$KV.device-heartbeat.heartbeat.dev"))
            result.push_back(contracts::Heartbeat::decode(message.payload).value());
        return result;
    }
};

}  // namespace

TEST_CASE("heartbeats come within a tenth of their interval, each with a gap of its own, also in a flood") {
    Bench bench;
    const nats::Message ping{
        .subject = "device-commands.dev.ping", .payload = {}, .reply = "reply", .headers = {}};
    constexpr auto kStep = 50ms;
    std::vector<std::chrono::milliseconds> gaps;
    for (auto since = 0ms; gaps.size() < 20;) {
        bench.clock.advance(kStep);
        since += kStep;
        bench.control.handle_command(ping);
        bench.control.advance();
        const auto sent = bench.beats().size();
        if (sent == 0 && since <= 33s + kStep) continue;
        REQUIRE(sent == 1);
        CHECK(since >= 27s);
        gaps.push_back(std::exchange(since, 0ms));
        bench.server->forget_published();
    }
    CHECK(std::count(gaps.begin(), gaps.end(), gaps.front()) < 20);
}

TEST_CASE(
    "while the broker is away no heartbeat is kept for later, and the next tells what is held by then") {
    Bench bench;
    bench.control.set_digest("0000000000000001");
    bench.control.beat();
    REQUIRE(bench.beats().size() == 1);
    CHECK(bench.beats()[0].desired_digest == "0000000000000001");
    CHECK(bench.beats()[0].agent_version == "1.2.3");
    bench.server->stop();
    for (int interval = 0; interval < 3; ++interval) {
        bench.clock.advance(33s);
        bench.control.advance();
    }
    bench.server->restart();
    CHECK(bench.beats().size() == 1);
    bench.control.set_digest("0000000000000002");
    bench.clock.step(-24h);
    bench.control.beat();
    REQUIRE(bench.beats().size() == 2);
    CHECK(bench.beats()[1].desired_digest == "0000000000000002");
    // The clock's step delays nothing.
    bench.clock.advance(33s);
    bench.control.advance();
    CHECK(bench.beats().size() == 3);
}

}  // namespace harmony::agent
