// What is refused, fails or is owned by somebody else.
#include <thread>

#include "device_resources_fleet.hpp"
#include "harmony/operator/cluster_worker.hpp"

using namespace harmony::op;
using namespace harmony::op::testing;
using namespace harmony::contracts;

TEST_CASE("fields that another manager owns are told in a condition and asked for once") {
    Fleet fleet;
    fleet.begin();
    fleet.plan.known(info("edge-01"));
    fleet.settle(kStart);
    kubernetes::Failure conflict =
        kubernetes::make_failure(Reason::Conflict, "fields that other managers own");
    conflict.conflicts = {{"kubectl-label", ".metadata.labels.site"}};
    fleet.server->fail("patch", 1, conflict);
    fleet.plan.known(info("edge-01", {{"site", "nice"}}));
    CHECK(fleet.settle(after(1)) == 2);  // the object, refused, and the status that says so
    const Json told = condition(fleet.get("edge-01"), "ResourceCurrent");
    CHECK(told["status"] == "False");
    CHECK_THAT(told["message"].get<std::string>(), Catch::Contains(".metadata.labels.site (kubectl-label)"));
    CHECK(fleet.settle(after(2)) == 0);
    // Once somebody has touched it, it is tried again.
    change_by_hand(fleet, "edge-01", {{"metadata", {{"annotations", {{"note", "x"}}}}}});
    CHECK(fleet.settle(after(3)) == 2);
    CHECK(fleet.get("edge-01")["metadata"]["labels"]["site"] == "nice");
    CHECK(condition(fleet.get("edge-01"), "ResourceCurrent").is_null());
}

TEST_CASE("a failure that is not one device's makes all wait, longer each time, and nothing is lost") {
    Fleet fleet;
    fleet.begin();
    for (int i = 0; i < 3; ++i)
        fleet.plan.known(info("edge-" + std::to_string(i)));
    const auto away = kubernetes::make_failure(Reason::Unavailable, "the server is restarting");
    fleet.server->fail("patch", 1, away);
    CHECK(fleet.settle(kStart) == 1);
    CHECK(fleet.plan.next_due(kStart) == Timestamp::from_microseconds(kStart.microseconds() + 500'000));
    fleet.server->fail("patch", 1, away);
    CHECK(fleet.settle(after(1)) == 1);
    CHECK(fleet.settle(Timestamp::from_microseconds(after(1).microseconds() + 900'000)) == 0);
    CHECK(fleet.settle(after(2)) == 6);
    CHECK(fleet.plan.counts().failures == 2);
    CHECK(fleet.plan.counts().resources == 3);
}

TEST_CASE("a missing definition is not asked for without end") {
    Fleet fleet;
    fleet.begin();
    fleet.plan.known(info("edge-01"));
    fleet.plan.known(info("edge-02"));
    fleet.server->fail("patch", 1, kubernetes::make_failure(Reason::NotFound, "no such resource"));
    CHECK(fleet.settle(kStart) == 1);
    CHECK(fleet.settle(after(1)) == 4);
}

TEST_CASE("a Device that the cluster refuses is tried again when the device has something new to say") {
    Fleet fleet;
    fleet.begin();
    fleet.plan.known(info("edge-01"));
    fleet.server->fail("patch", 1, kubernetes::make_failure(Reason::Invalid, "spec.inventory: no"));
    CHECK(fleet.settle(kStart) == 1);
    CHECK(fleet.settle(after(60)) == 0);
    fleet.plan.known(info("edge-01", {{"site", "nice"}}));
    CHECK(fleet.settle(after(61)) == 2);
}

TEST_CASE("a Device that somebody wrote at the same moment is tried again") {
    Fleet fleet;
    fleet.begin();
    fleet.plan.known(info("edge-01"));
    const auto reason = GENERATE(Reason::Conflict, Reason::AlreadyExists);
    fleet.server->fail("patch", 1, kubernetes::make_failure(reason, "the object has been modified"));
    CHECK(fleet.settle(kStart) == 1);
    CHECK(fleet.settle(after(1)) == 2);
    CHECK(fleet.exists("edge-01"));
}

TEST_CASE("a Device that the cluster refuses to change goes offline all the same") {
    Fleet fleet;
    fleet.begin();
    fleet.plan.known(info("edge-01"));
    fleet.plan.heartbeat(id("edge-01"), kStart, kStart);
    fleet.settle(kStart);
    fleet.server->fail("patch", 1, kubernetes::make_failure(Reason::Invalid, "spec.inventory: no"));
    fleet.plan.known(info("edge-01", {{"site", "nice"}}));
    CHECK(fleet.settle(after(1)) == 1);
    CHECK(fleet.settle(after(100)) == 1);
    CHECK(fleet.get("edge-01")["status"]["online"] == false);
    // A status that is refused is not asked for again until the device has something new to say.
    fleet.server->fail("patch", 1, kubernetes::make_failure(Reason::Invalid, "status.online: no"));
    fleet.plan.heartbeat(id("edge-01"), after(101), after(101));
    CHECK(fleet.settle(after(101)) == 1);
    CHECK(fleet.settle(after(400)) == 0);
    fleet.plan.known(info("edge-01", {{"site", "paris"}}));
    CHECK(fleet.settle(after(401)) > 0);
}

TEST_CASE("a Device is written with one attempt, within what the lease of a leader has left") {
    const auto server = kubernetes::FakeKubernetesServer::create();
    const auto client = server->connect();
    harmony::runtime::daemon::MetricsRegistry metrics;
    const auto devices = start_device_resources(*client, settings(), metrics).value();
    devices->device_known(info("edge-01"));
    devices->all_devices_told();
    devices->set_leading(true);
    const auto writes = [&] {
        auto calls = server->calls();
        std::erase_if(calls, [](const auto& call) { return call.verb != "patch"; });
        return calls;
    };
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (writes().empty() && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    devices->stop();
    REQUIRE_FALSE(writes().empty());
    for (const auto& call : writes()) {
        CHECK(call.attempts == 1);
        CHECK(call.deadline == kLeaderDeadline);
    }
}
