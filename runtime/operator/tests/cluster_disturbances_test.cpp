// What comes between: records that somebody removed, watches that are late or interrupted, writes that fail
// or are outrun, a lease that is lost.
#include <catch2/catch.hpp>

#include "cluster_fleet.hpp"
#include "harmony/operator/cluster_resources.hpp"

using namespace harmony::op;
using namespace harmony::op::testing;
namespace contracts = harmony::contracts;
namespace kubernetes = harmony::runtime::kubernetes;

namespace {

std::vector<std::string> stored_parts(Cluster& cluster) {
    std::vector<std::string> names;
    for (const Json& object : cluster.user.records()) {
        const auto seen = read_rollout_object(object);
        if (seen && !seen->part.empty()) names.push_back(object["metadata"]["name"]);
    }
    return names;
}

DeploymentSeen seen_now(Cluster& cluster, const std::string& name) {
    return {std::make_shared<const SeenDeployment>(read_deployment(cluster.user.get(name)).value())};
}

}  // namespace

TEST_CASE("a step that was not stored is not written, and is made anew when the server is back") {
    Cluster cluster;
    auto one = cluster.operator_before_rollout(4);
    cluster.user.apply(rolling("img:2"));
    cluster.server->fail("update", 2,
                         kubernetes::make_failure(kubernetes::Reason::Unavailable, "restarting"));
    one->run(4);
    CHECK(cluster.holding("img:2") == 0);
    one->run(4.05);
    CHECK(cluster.holding("img:2") == 0);  // not at once
    one->run(5);
    CHECK(cluster.holding("img:2") == 2);
}

TEST_CASE("who lost the race for a record reads what the other has stored") {
    Cluster cluster;
    auto one = cluster.operator_before_rollout(4);
    kubernetes::Failure conflict =
        kubernetes::make_failure(kubernetes::Reason::Conflict, "the object has been modified");
    cluster.user.apply(rolling("img:2"));
    cluster.server->fail("update", 1, conflict);
    one->run(4);
    one->run(7);
    CHECK(cluster.holding("img:2") == 2);
}

TEST_CASE("a record that somebody removed is stored again with what it said") {
    Cluster cluster;
    auto one = cluster.operator_in_rollout(4);
    const Json before = cluster.user.records().at(0)["data"];
    cluster.user.remove_record(cluster.user.get("web")["metadata"]["uid"]);
    one->run(6);
    REQUIRE(cluster.user.records().size() == 1);
    CHECK(cluster.user.records().at(0)["data"] == before);
}

TEST_CASE("a part of a record that somebody removed is stored again") {
    Cluster cluster;
    auto one = cluster.operator_that_runs(2, large("img:1"));
    const auto parts = stored_parts(cluster);
    REQUIRE(parts.size() == 1);
    REQUIRE(cluster.user.client().remove({config_map_type(), kNamespace, parts[0]}));
    REQUIRE_FALSE(one->run_some(3, 50));
    CHECK(stored_parts(cluster) == parts);
    auto calls = cluster.server->calls().size();
    one->run(4);
    CHECK(cluster.server->calls().size() == calls);
    // A list that does not show it says the same.
    one->resources.hear(ListBegan{ClusterList::Rollouts}, at(5));
    const auto header = read_rollout_object(cluster.user.records().at(0));
    REQUIRE(header->part.empty());
    calls = cluster.server->calls().size();
    one->resources.hear(RolloutSeen{std::make_shared<const SeenRollout>(*header)}, at(5));
    one->resources.hear(ListEnded{ClusterList::Rollouts}, at(5));
    REQUIRE_FALSE(one->run_some(5, 50));
    CHECK(cluster.server->calls().size() > calls);
    calls = cluster.server->calls().size();
    one->run(8);
    CHECK(cluster.server->calls().size() == calls);
}

TEST_CASE("a part that could not be removed is found when it is needed again") {
    Cluster cluster;
    auto one = cluster.operator_that_runs(1, large("img:1"));
    cluster.server->fail("delete", 1, kubernetes::make_failure(kubernetes::Reason::Unavailable, "away"));
    cluster.user.apply(web("img:2"));
    one->run(4);
    REQUIRE(cluster.holding("img:2") == 1);
    REQUIRE(stored_parts(cluster).size() == 1);
    cluster.user.apply(large("img:1"));
    CHECK_FALSE(one->run_some(6, 50));
    CHECK(cluster.value("d0.web") == large("img:1").spec.score.encode());
}

TEST_CASE("a record that is stored is found again after its Deployment was taken for gone") {
    Cluster cluster;
    auto one = cluster.operator_that_runs(1, web("img:1"));
    // A list that was read before the Deployment was made, while the answer that told of it came first.
    one->resources.hear(ListBegan{ClusterList::Deployments}, at(3));
    one->resources.hear(ListEnded{ClusterList::Deployments}, at(3));
    one->resources.hear(seen_now(cluster, "web"), at(3));
    one->run(4);
    one->run(7);
    CHECK(cluster.holding("img:1") == 1);
}

TEST_CASE("what a watch tells late of a Deployment that was made anew meanwhile is no news") {
    Cluster cluster;
    auto one = cluster.operator_that_runs(1, web("img:1"));
    const auto late = seen_now(cluster, "web");
    cluster.user.remove("web");
    one->run(3);
    cluster.user.apply(web("img:2"));
    one->run(4);
    REQUIRE(cluster.holding("img:2") == 1);
    const auto calls = cluster.server->calls().size();
    one->resources.hear(late, at(5));
    one->run(5);
    one->run(8);
    CHECK(cluster.holding("img:2") == 1);
    CHECK(cluster.server->calls().size() == calls);
}

TEST_CASE("a leader forgets a device once its keys are gone, and not when it loses the lead before") {
    Cluster cluster;
    auto one = cluster.operator_that_runs(2, web("img:1"));
    REQUIRE(cluster.holding("img:1") == 2);
    contracts::DeviceInfo told;
    told.device_id = device_id("d0");
    const std::size_t before = one->replies.size();
    REQUIRE(one->resources.delete_device(device_id("d0"), "reply", at(3)).has_value());
    SECTION("its keys go") {
        one->resources.take_device(told, at(3));  // a watch that begins anew
        one->run(3);
        CHECK(cluster.holding("img:1") == 1);
        REQUIRE(one->replies.size() == before + 1);
        CHECK(contracts::DeleteReply::decode(one->replies.back())->name == "d0");
        CHECK(one->resources.delete_device(device_id("d0"), "reply", at(4)).error().kind() ==
              harmony::ErrorKind::NotFound);
        one->resources.take_device(told, at(4));  // it lives
        one->run(4);
        CHECK(cluster.holding("img:1") == 2);
    }
    SECTION("the lead goes") {
        one->lead(false);
        one->run(3);
        one->lead(true);
        one->run(4);
        CHECK(cluster.holding("img:1") == 2);
        CHECK(one->replies.size() == before);
        CHECK(one->reducer.devices().size() == 2);
    }
}

TEST_CASE("a change that is seen while the lease is in doubt is not forgotten") {
    Cluster cluster;
    auto one = cluster.operator_with(1);
    one->doubt(true);
    cluster.user.apply(web("img:1"));
    one->run(2);
    CHECK_FALSE(cluster.user.held("web"));
    one->doubt(false);  // renewed after all: nobody is told anything
    one->run(3);
    CHECK(cluster.holding("img:1") == 1);
}

TEST_CASE("a status that was wished for as the lead changed is wished for again") {
    Cluster cluster;
    auto one = cluster.operator_that_runs(1, web("img:1"));
    REQUIRE_FALSE(one->wishes.empty());
    one->wishes.clear();  // dropped: nobody led at that moment
    one->lead(false);
    one->lead(true);
    one->run(4);
    CHECK_FALSE(one->wishes.empty());
}

TEST_CASE("a standby writes nothing, knows as much, and goes on when it leads") {
    Cluster cluster;
    auto leader = cluster.operator_with(4);
    auto standby = cluster.operator_with(4, 1, false);
    cluster.user.apply(rolling("img:1"));
    standby->run(2);
    CHECK(standby->jobs.empty());
    CHECK_FALSE(cluster.user.held("web"));
    leader->run(2);
    standby->run(3);
    CHECK(standby->knows("web"));
    CHECK(standby->wishes.empty());
    cluster.report_all(*leader, 3);
    cluster.report_all(*standby, 3);
    cluster.user.apply(rolling("img:2"));
    leader->run(4);
    REQUIRE(cluster.holding("img:2") == 2);
    leader->lead(false);
    standby->lead(true);
    standby->run(5);
    CHECK(cluster.holding("img:2") == 2);
    cluster.report_all(*standby, 6);
    standby->run(6);
    standby->run(7.5);
    cluster.report_all(*leader, 6);
    const auto calls = cluster.server->calls().size();
    leader->run(8);
    CHECK(cluster.server->calls().size() == calls);
    CHECK(cluster.holding("img:2") == 4);
    CHECK_FALSE(standby->wishes.empty());
}

TEST_CASE("a leader that lost its lease between two writes makes no further one") {
    Cluster cluster;
    auto one = cluster.operator_with(1);
    cluster.user.apply(web("img:1"));
    REQUIRE(one->run_some(2, 1));
    one->lead(false);
    one->run(3);
    CHECK(cluster.user.records().empty());
    CHECK(cluster.value("d0.web").empty());
    one->lead(true);
    one->run(6);
    CHECK_FALSE(cluster.value("d0.web").empty());
}

TEST_CASE("a watch that lost its place finds what is gone and what is new") {
    Cluster cluster;
    auto one = cluster.operator_that_runs(1, web("img:1"));
    cluster.server->interrupt_watches(kubernetes::make_failure(kubernetes::Reason::Gone, "too old"));
    one->run(3);
    CHECK_FALSE(cluster.value("d0.web").empty());
    CHECK(one->knows("web"));
}

TEST_CASE(
    "a leader that starts in the middle of a rollout and meets its devices afterwards keeps the limit") {
    Cluster cluster;
    (void)cluster.operator_in_rollout(6);
    const bool buckets_lost = GENERATE(false, true);
    if (buckets_lost) cluster.bucket.values.clear();
    auto next = cluster.operator_with(0, 4);
    for (int number = 0; number < 6; ++number) {
        contracts::DeviceInfo info;
        info.device_id = device_id("d" + std::to_string(number));
        info.agent_version = "0.1.0";
        next->resources.take_device(info, at(5));
        next->run(5);
    }
    CHECK(cluster.holding("img:2") == 2);
    CHECK(cluster.holding("img:1") == 4);
    cluster.report_all(*next, 6);
    next->run(6);
    CHECK(cluster.holding("img:2") == 4);
}
