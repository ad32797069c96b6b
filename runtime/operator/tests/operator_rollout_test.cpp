// Rollouts with the real operator and a real broker, through whatever happens to both.
#include <catch2/catch.hpp>

#include "harmony/contracts/kv.hpp"
#include "operator_process.hpp"

using namespace harmony::op::testing;
namespace contracts = harmony::contracts;

namespace {

constexpr int kDevices = 20;

contracts::Deployment web(const std::string& image, contracts::CountOrPercent failures = {0, false}) {
    auto document = deployment("web", selector({}), image);
    document.spec.rollout = contracts::Rolling{{3, false}, std::chrono::seconds{0}, failures};
    return document;
}

bool polled_until(PolledDevices& devices, const std::function<bool()>& done) {
    return eventually([&] {
        devices.poll();
        return done();
    });
}

std::string reason(Stack& stack) {
    return stack.condition("web", contracts::kConditionProgressing).reason;
}

// Everything runs the first score, and the second has begun to go out.
void begin(Stack& stack, PolledDevices& devices) {
    stack.apply(web("img:1"));
    REQUIRE(polled_until(devices, [&] { return devices.all_run(score("img:1")); }));
    REQUIRE(polled_until(devices, [&] { return reason(stack) == "Complete"; }));
    devices.most_updating = 0;
    stack.apply(web("img:2"));
    REQUIRE(polled_until(devices, [&] { return devices.most_updating > 0; }));
}

void wipe(Stack& stack, PolledDevices& devices) {
    stack.server.kill();
    stack.server.wipe_storage();
    stack.server.start();
    REQUIRE(eventually([&] { return stack.connection->flush(std::chrono::seconds(1)).has_value(); }));
    stack.wait_until_ready();
    devices.reassert();
}

}  // namespace

TEST_CASE("a rollout keeps its limit and reaches every device, whatever dies meanwhile") {
    Stack stack;
    PolledDevices devices(stack, kDevices);
    begin(stack, devices);
    std::unique_ptr<OperatorProcess> twin;
    std::string image = "img:2";
    SECTION("nothing") {}
    SECTION("the operator, twice") {
        for (int round = 0; round < 2; ++round) {
            stack.process->kill();
            devices.poll();
            stack.process = std::make_unique<OperatorProcess>(stack.home);
            stack.wait_until_ready();
            devices.poll();
        }
    }
    SECTION("every bucket") {
        wipe(stack, devices);
    }
    SECTION("every bucket and the operator") {
        stack.process->kill();
        stack.server.kill();
        stack.server.wipe_storage();
        stack.server.start();
        stack.process = std::make_unique<OperatorProcess>(stack.home);
        REQUIRE(eventually([&] { return stack.connection->flush(std::chrono::seconds(1)).has_value(); }));
        stack.wait_until_ready();
        devices.reassert();
    }
    SECTION("one of two operators") {
        twin = std::make_unique<OperatorProcess>(stack.home);
        for (int round = 0; round < 10; ++round)
            devices.poll();
        stack.process->kill();
    }
    SECTION("the score, for a newer one") {
        image = "img:3";
        stack.apply(web(image));
    }
    REQUIRE(polled_until(devices, [&] { return devices.all_run(score(image)); }));
    REQUIRE(polled_until(devices, [&] { return reason(stack) == "Complete"; }));
    CHECK(devices.most_updating <= 3);
    CHECK_FALSE(devices.went_back);
    CHECK(stack.api.deployment("web").value().status->rollout == contracts::RolloutStatus{kDevices, 0});
}

TEST_CASE("a rollout halts at its failures with the device named, and a raised limit lets it go on") {
    Stack stack;
    PolledDevices devices(stack, kDevices);
    devices.failing = {"d1"};
    begin(stack, devices);
    REQUIRE(polled_until(devices, [&] { return reason(stack) == contracts::kReasonRolloutHalted; }));
    CHECK(stack.condition("web", contracts::kConditionProgressing).message.find("d1: does not start") !=
          std::string::npos);
    const auto halted = stack.desired();
    for (int round = 0; round < 20; ++round)
        devices.poll();
    CHECK(stack.desired() == halted);
    stack.apply(web("img:2", {10, true}));
    REQUIRE(polled_until(devices, [&] { return devices.all_run(score("img:2")); }));
    CHECK(devices.most_updating <= 3);
    REQUIRE(polled_until(devices, [&] { return reason(stack) == "Complete"; }));
    CHECK(stack.api.deployment("web").value().status->failures.at(0).device == "d1");
}

TEST_CASE("a paused rollout stands still until it is resumed") {
    Stack stack;
    PolledDevices devices(stack, kDevices);
    begin(stack, devices);
    auto document = web("img:2");
    document.spec.paused = true;
    stack.apply(document);
    REQUIRE(polled_until(devices, [&] { return reason(stack) == contracts::kReasonPaused; }));
    const auto paused = stack.desired();
    for (int round = 0; round < 10; ++round)
        devices.poll();
    CHECK(stack.desired() == paused);
    stack.apply(web("img:2"));
    REQUIRE(polled_until(devices, [&] { return devices.all_run(score("img:2")); }));
}

TEST_CASE("devices that fall silent are offline, count as unavailable and hold a rollout back") {
    Stack stack("heartbeat_interval_s = 1\nheartbeat_stale_after_s = 2");
    PolledDevices devices(stack, kDevices);
    stack.apply(web("img:1"));
    REQUIRE(polled_until(devices, [&] { return devices.all_run(score("img:1")); }));
    devices.most_updating = 0;
    devices.silent = {"d0", "d1", "d2"};
    const auto online = [&](const std::string& id) {
        const auto device = stack.api.device(id);
        return device && device->device.status && device->device.status->online;
    };
    REQUIRE(polled_until(devices, [&] { return !online("d0") && !online("d2") && online("d3"); }));
    stack.apply(web("img:2"));
    REQUIRE(polled_until(devices, [&] { return reason(stack) == "WaitingForDevices"; }));
    CHECK(stack.condition("web", contracts::kConditionProgressing).message.find("d0 is offline") !=
          std::string::npos);
    devices.silent = {};
    REQUIRE(polled_until(devices, [&] { return devices.all_run(score("img:2")); }));
    CHECK(devices.most_updating <= 3);
}
