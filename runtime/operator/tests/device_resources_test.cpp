#include "device_resources_fleet.hpp"

using namespace harmony::op;
using namespace harmony::op::testing;
using namespace harmony::contracts;

TEST_CASE("a device becomes a Device with two requests, and costs nothing while nothing changes") {
    Fleet fleet;
    fleet.begin();
    fleet.plan.known(info("edge-01"));
    fleet.plan.heartbeat(id("edge-01"), kStart, kStart);
    CHECK(fleet.settle(kStart) == 2);
    const Json device = fleet.get("edge-01");
    CHECK(device["metadata"]["labels"] == Json({{"site", "lyon"}, {"fleet.nationtech.io/stack", "blue"}}));
    CHECK(device["spec"]["inventory"]["cpuCores"] == 4);
    CHECK(device["status"]["online"] == true);
    CHECK(device["status"]["agentVersion"] == "0.1.0");
    CHECK(device["status"]["lastHeartbeat"] == kStart.format());
    CHECK(condition(device, "Online")["status"] == "True");
    CHECK(Device::decode(device.dump()).has_value());
    fleet.plan.known(info("edge-01"));
    CHECK(fleet.settle(after(1)) == 0);
    CHECK(fleet.plan.counts().resources == 1);
    CHECK(fleet.plan.counts().waiting == 0);
}

TEST_CASE("nothing is written before everything was told, nor by a standby") {
    Fleet fleet;
    fleet.plan.known(info("edge-01"));
    fleet.plan.lead(true);
    CHECK(fleet.settle(kStart) == 0);
    fleet.plan.all_told();
    CHECK(fleet.settle(kStart) == 0);
    fleet.plan.lead(false);
    fleet.replay();
    CHECK(fleet.settle(kStart) == 0);
    fleet.plan.lead(true);
    CHECK(fleet.settle(kStart) == 2);
}

TEST_CASE("many changes of a device before its turn cost what one costs") {
    Fleet fleet;
    fleet.begin();
    fleet.plan.known(info("edge-01"));
    fleet.settle(kStart);
    for (int i = 0; i < 100; ++i)
        fleet.plan.known(info("edge-01", {{"round", std::to_string(i)}}));
    CHECK(fleet.settle(after(1)) == 1);
    CHECK(fleet.get("edge-01")["metadata"]["labels"]["round"] == "99");
    CHECK_FALSE(fleet.get("edge-01")["metadata"]["labels"].contains("site"));
}

TEST_CASE("a device whose heartbeat is stale is shown offline once, and online again") {
    Fleet fleet;
    fleet.begin();
    fleet.plan.known(info("edge-01"));
    fleet.plan.heartbeat(id("edge-01"), kStart, kStart);
    fleet.settle(kStart);
    CHECK(fleet.settle(after(89)) <= 1);  // at most the heartbeat's time
    CHECK(fleet.get("edge-01")["status"]["online"] == true);
    CHECK(fleet.settle(after(90)) == 1);
    const Json offline = fleet.get("edge-01");
    CHECK(offline["status"]["online"] == false);
    CHECK(condition(offline, "Online")["status"] == "False");
    CHECK(condition(offline, "Online")["lastTransitionTime"] == after(90).format());
    CHECK(fleet.settle(after(500)) == 0);
    fleet.plan.heartbeat(id("edge-01"), after(501), after(501));
    CHECK(fleet.settle(after(501)) == 1);
    CHECK(fleet.get("edge-01")["status"]["online"] == true);
}

TEST_CASE("a clock that steps back keeps no silent device online, and its heartbeat is written anew") {
    Fleet fleet;
    fleet.begin();
    for (const char* name : {"edge-01", "edge-02"}) {
        fleet.plan.known(info(name));
        fleet.plan.heartbeat(id(name), after(10'000), after(10'000));
    }
    fleet.settle(after(10'000));
    REQUIRE(fleet.get("edge-01")["status"]["online"] == true);
    // Heard before the step, taken after it.
    fleet.plan.heartbeat(id("edge-01"), after(10'000), kStart);
    fleet.plan.heartbeat(id("edge-02"), after(80), after(80));
    fleet.settle(after(89));
    CHECK(fleet.get("edge-01")["status"]["online"] == true);
    CHECK(fleet.get("edge-02")["status"]["lastHeartbeat"] == after(80).format());
    fleet.settle(after(90));
    CHECK(fleet.get("edge-01")["status"]["online"] == false);
    CHECK(fleet.get("edge-02")["status"]["online"] == true);
}

TEST_CASE("an idle fleet of 10 000 costs the refresh budget and no more") {
    DeviceResourcePlan plan(settings());
    std::map<DeviceId, ObservedDevice> cluster;
    plan.replay_begins();
    plan.replay_ends();
    plan.all_told();
    plan.lead(true);
    constexpr int kDevices = 10'000;
    std::vector<DeviceId> devices;
    for (int i = 0; i < kDevices; ++i) {
        devices.push_back(id("edge-" + std::to_string(i)));
        plan.known(info(devices.back().str()));
    }
    std::int64_t clock = 0;
    std::uint64_t version = 0;
    const auto second = [&] {
        int requests = 0;
        if (clock % 30 == 0) {
            for (const DeviceId& device : devices)
                plan.heartbeat(device, after(clock), after(clock));
        }
        while (const auto request = plan.next(after(clock))) {
            ++requests;
            ObservedDevice& there = cluster[request->device];
            there.version = ++version;
            there.stack = "blue";
            if (request->kind == DeviceRequestKind::Object) there.hash = request->hash;
            if (request->kind == DeviceRequestKind::Status) there.status = request->status;
            plan.done(*request, std::optional(there), after(clock));
        }
        ++clock;
        return requests;
    };
    int first = 0;
    while (plan.counts().resources < kDevices || plan.counts().waiting > 0) {
        first += second();
        REQUIRE(clock < 400);
    }
    CHECK(clock >= 2 * kDevices / 100 - 1);  // the budget of changes
    CHECK(first >= 2 * kDevices);
    CHECK(first <= 2 * kDevices + 5 * (clock + 1));
    int idle = 0;
    for (int i = 0; i < 300; ++i)
        idle += second();
    CHECK(idle > 0);
    CHECK(idle <= 5 * 301);
    // One changed device does not wait for the refreshes.
    plan.known(info("edge-7", {{"site", "nice"}}));
    CHECK(second() <= 1 + 5);
    CHECK(cluster.at(id("edge-7")).hash ==
          make_device_object(info("edge-7", {{"site", "nice"}}), "blue").hash);
}

TEST_CASE("a small fleet shows heartbeats a minute old at most") {
    Fleet fleet;
    fleet.begin();
    for (int i = 0; i < 100; ++i) {
        fleet.plan.known(info("edge-" + std::to_string(i)));
        fleet.plan.heartbeat(id("edge-" + std::to_string(i)), kStart, kStart);
    }
    std::int64_t clock = 0;
    fleet.settle_until(10, clock);
    int requests = 0;
    while (clock < 300) {
        if (clock % 30 == 0) {
            for (int i = 0; i < 100; ++i)
                fleet.plan.heartbeat(id("edge-" + std::to_string(i)), after(clock), after(clock));
        }
        requests += fleet.settle_until(clock + 1, clock);
    }
    CHECK(requests >= 4 * 100);
    CHECK(requests <= 5 * 100);
    for (int i = 0; i < 100; ++i) {
        const auto written = Timestamp::parse(
            fleet.get("edge-" + std::to_string(i))["status"]["lastHeartbeat"].get<std::string>());
        CHECK(written->seconds() >= after(300 - 60 - 30 - 20).seconds());
    }
}

TEST_CASE("a new leader writes only what differs") {
    Fleet fleet;
    fleet.begin();
    for (int i = 0; i < 50; ++i) {
        fleet.plan.known(info("edge-" + std::to_string(i)));
        fleet.plan.heartbeat(id("edge-" + std::to_string(i)), kStart, kStart);
    }
    fleet.settle(kStart);
    fleet.settle(after(1));
    DeviceResourcePlan next(settings());
    next.replay_begins();
    auto page = fleet.client->list(device_resource_type(), "").value();
    for (Json& object : page.items) {
        fleet.note_managers(object);
        next.observed(id(object["metadata"]["name"]), observe_device(object, "blue").value());
    }
    next.replay_ends();
    for (int i = 0; i < 50; ++i) {
        next.known(info("edge-" + std::to_string(i), {{"site", i == 7 ? "nice" : "lyon"}}));
        next.heartbeat(id("edge-" + std::to_string(i)), after(20), after(20));
    }
    next.all_told();
    next.lead(true);
    const auto request = next.next(after(20));
    REQUIRE(request.has_value());
    CHECK(request->kind == DeviceRequestKind::Object);
    CHECK(request->device == id("edge-7"));
    next.done(*request, fleet.perform(*request), after(20));
    CHECK_FALSE(next.next(after(20)).has_value());
}

TEST_CASE("a forgotten device's resource is deleted, also by a leader that comes later") {
    Fleet fleet;
    fleet.begin();
    fleet.plan.known(info("edge-01"));
    fleet.settle(kStart);
    fleet.plan.lead(false);
    fleet.plan.forgotten(id("edge-01"));
    CHECK(fleet.settle(after(1)) == 0);
    fleet.plan.lead(true);
    CHECK(fleet.settle(after(1)) == 1);
    CHECK_FALSE(fleet.exists("edge-01"));
    CHECK(fleet.plan.counts().resources == 0);
    // Heartbeats of a device that does not know it yet bring nothing back.
    fleet.plan.heartbeat(id("edge-01"), after(2), after(2));
    CHECK(fleet.settle(after(2)) == 0);
    fleet.plan.known(info("edge-01"));
    CHECK(fleet.settle(after(3)) == 2);
    CHECK(fleet.get("edge-01")["status"]["online"] == true);
}

TEST_CASE("a device forgotten while nobody led has its resource deleted once the cluster has told") {
    Fleet fleet;
    fleet.begin();
    fleet.plan.known(info("edge-01"));
    fleet.settle(kStart);
    DeviceResourcePlan next(settings());
    next.forgotten(id("edge-01"));
    next.forgotten(id("edge-02"));
    Json object = fleet.get("edge-01");
    fleet.note_managers(object);
    next.replay_begins();
    next.observed(id("edge-01"), observe_device(object, "blue").value());
    next.replay_ends();
    next.all_told();
    next.lead(true);
    const auto request = next.next(after(1));
    REQUIRE(request.has_value());
    CHECK(request->kind == DeviceRequestKind::Delete);
    next.done(*request, fleet.perform(*request), after(1));
    CHECK_FALSE(next.next(after(1)).has_value());
    CHECK_FALSE(fleet.exists("edge-01"));
}

TEST_CASE("a resource deleted by hand comes back while the fleet knows the device") {
    Fleet fleet;
    fleet.begin();
    fleet.plan.known(info("edge-01"));
    fleet.settle(kStart);
    REQUIRE(fleet.client->remove({device_resource_type(), {}, "edge-01"}));
    fleet.plan.gone(id("edge-01"));
    CHECK(fleet.settle(after(1)) == 2);
    CHECK(fleet.exists("edge-01"));
    // Also where the deletion was missed and a replay does not name it.
    REQUIRE(fleet.client->remove({device_resource_type(), {}, "edge-01"}));
    fleet.replay();
    CHECK(fleet.settle(after(2)) == 2);
}

TEST_CASE("a resource that no device of the fleet has shows so, and is kept") {
    Fleet fleet;
    fleet.begin();
    fleet.plan.known(info("edge-01"));
    fleet.plan.heartbeat(id("edge-01"), kStart, kStart);
    fleet.settle(kStart);
    DeviceResourcePlan next(settings());
    Json object = fleet.get("edge-01");
    fleet.note_managers(object);
    next.replay_begins();
    next.observed(id("edge-01"), observe_device(object, "blue").value());
    next.replay_ends();
    next.lead(true);
    CHECK_FALSE(next.next(after(1)).has_value());
    next.all_told();
    const auto request = next.next(after(1));
    REQUIRE(request.has_value());
    CHECK(request->kind == DeviceRequestKind::Status);
    next.done(*request, fleet.perform(*request), after(1));
    CHECK_FALSE(next.next(after(1)).has_value());
    CHECK(fleet.get("edge-01")["status"]["online"] == false);
    CHECK(condition(fleet.get("edge-01"), "Registered")["status"] == "False");
    next.known(info("edge-01"));
    next.heartbeat(id("edge-01"), after(2), after(2));
    const auto back = next.next(after(2));
    REQUIRE(back.has_value());
    next.done(*back, fleet.perform(*back), after(2));
    CHECK(condition(fleet.get("edge-01"), "Registered").is_null());
}

TEST_CASE("a Device of another stack is left alone and counted, not written and not deleted") {
    Fleet green([] {
        auto result = settings();
        result.stack = "green";
        return result;
    }());
    Fleet blue;
    blue.client = green.server->connect();
    green.begin();
    green.plan.known(info("edge-01", {{"site", "green"}}));
    green.settle(kStart);
    const Json before = green.get("edge-01");

    blue.begin();
    blue.plan.known(info("edge-01"));
    CHECK(blue.settle(after(1)) == 0);
    CHECK(blue.plan.counts().foreign == 1);
    blue.plan.forgotten(id("edge-01"));
    CHECK(blue.settle(after(2)) == 0);
    CHECK(blue.plan.counts().foreign == 0);
    CHECK(green.get("edge-01") == before);

    blue.plan.known(info("edge-01"));
    REQUIRE(green.client->remove({device_resource_type(), {}, "edge-01"}));
    blue.plan.gone(id("edge-01"));
    CHECK(blue.settle(after(3)) == 2);
    CHECK(blue.get("edge-01")["metadata"]["labels"]["site"] == "lyon");
}

TEST_CASE("above the limit no further device gets a resource, until one goes") {
    auto few = settings();
    few.max_devices = 2;
    Fleet fleet(few);
    fleet.begin();
    for (const char* name : {"edge-01", "edge-02", "edge-03", "edge-04"})
        fleet.plan.known(info(name));
    CHECK(fleet.settle(kStart) == 4);
    CHECK(fleet.plan.counts().resources == 2);
    CHECK(fleet.plan.counts().left_out == 2);
    fleet.plan.known(info("edge-01", {{"site", "nice"}}));
    CHECK(fleet.settle(after(1)) == 1);
    fleet.plan.forgotten(id("edge-01"));
    CHECK(fleet.settle(after(2)) == 3);
    CHECK(fleet.exists("edge-03"));
    CHECK_FALSE(fleet.exists("edge-04"));
    CHECK(fleet.plan.counts().left_out == 1);
}

TEST_CASE("labels that a cluster can't have are left out and said so") {
    Fleet fleet;
    fleet.begin();
    fleet.plan.known(
        info("edge-01", {{"site", "lyon"}, {"fleet.nationtech.io/stack", "red"}, {"bad value", "x"}}));
    fleet.settle(kStart);
    const Json device = fleet.get("edge-01");
    CHECK(device["metadata"]["labels"] == Json({{"site", "lyon"}, {"fleet.nationtech.io/stack", "blue"}}));
    const auto message = condition(device, "LabelsAccepted")["message"].get<std::string>();
    CHECK_THAT(message, Catch::Contains("bad value: ") && Catch::Contains("fleet.nationtech.io/stack: "));
    Labels many;
    for (int i = 0; i < 64; ++i)
        many["l" + std::to_string(i)] = "x";
    fleet.plan.known(info("edge-01", many));
    fleet.settle(after(1));
    CHECK(fleet.get("edge-01")["metadata"]["labels"].size() == 64);
    CHECK(Device::decode(fleet.get("edge-01").dump()).has_value());
}

TEST_CASE("empty texts are left out, and their absence is no difference") {
    Fleet fleet;
    fleet.begin();
    auto bare = info("edge-01", {{"gpu", ""}});
    bare.inventory = Inventory{"", "x86_64", "", "", 0, 0, 0, "", "", {"", "192.0.2.1"}};
    bare.agent_version = "0.1.0";
    fleet.plan.known(bare);
    CHECK(fleet.settle(kStart) == 2);
    const Json device = fleet.get("edge-01");
    CHECK(device["metadata"]["labels"]["gpu"] == kEmptyText);
    CHECK(device["spec"]["inventory"] == Json({{"architecture", "x86_64"},
                                               {"cpuCores", 0},
                                               {"memoryBytes", 0},
                                               {"diskBytes", 0},
                                               {"addresses", Json::array({"192.0.2.1"})}}));
    for (const Json& entry : device["status"]["conditions"]) {
        for (const auto& [key, value] : entry.items())
            CHECK(value != kEmptyText);
    }
    CHECK(Device::decode(device.dump()).has_value());
    fleet.replay();
    CHECK(fleet.plan.counts().resources == 1);
}

TEST_CASE("information that was refused shows, and no longer when it is right again") {
    Fleet fleet;
    fleet.begin();
    fleet.plan.known(info("edge-01"));
    fleet.settle(kStart);
    fleet.plan.info_refused(id("edge-01"), "labels: missing, expected an object");
    CHECK(fleet.settle(after(1)) == 1);
    CHECK(condition(fleet.get("edge-01"), "InfoAccepted")["status"] == "False");
    fleet.plan.info_refused(id("edge-01"), "");
    CHECK(fleet.settle(after(2)) == 1);
    CHECK(condition(fleet.get("edge-01"), "InfoAccepted").is_null());
}

TEST_CASE("what a watch tells late is not taken for a change") {
    Fleet fleet;
    fleet.begin();
    fleet.plan.known(info("edge-01"));
    fleet.settle(kStart);
    Json old = fleet.get("edge-01");
    fleet.note_managers(old);
    const auto late = observe_device(old, "blue").value();
    fleet.plan.known(info("edge-01", {{"site", "nice"}}));
    fleet.settle(after(1));
    fleet.plan.observed(id("edge-01"), late);
    CHECK(fleet.settle(after(2)) == 0);
}

TEST_CASE("an inventory that somebody has filled where the device said nothing is asked about once") {
    Fleet fleet;
    fleet.begin();
    auto silent = info("edge-01");
    silent.inventory.reset();
    fleet.plan.known(silent);
    fleet.settle(kStart);
    change_by_hand(fleet, "edge-01", {{"spec", {{"inventory", {{"hostname", "by hand"}}}}}});
    CHECK(fleet.settle(after(1)) == 1);
    CHECK(fleet.settle(after(2)) == 0);
}

TEST_CASE("settings without which nothing would be written are refused") {
    CHECK(check(settings()));
    auto nameless = settings();
    nameless.stack = "";
    CHECK_FALSE(check(nameless));
    auto slow = settings();
    slow.changes_per_second = 0;
    CHECK_FALSE(check(slow));
}
