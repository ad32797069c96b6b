// Deployments of a cluster, from the first look at one to its release: what is stored before what, and what a
// Deployment that is of no use costs.
#include "harmony/operator/cluster_resources.hpp"

#include <catch2/catch.hpp>

#include "cluster_fleet.hpp"

using namespace harmony::op;
using namespace harmony::op::testing;
namespace contracts = harmony::contracts;
namespace kubernetes = harmony::runtime::kubernetes;

TEST_CASE("nothing of a Deployment reaches a device before its finalizer and its record are stored") {
    Cluster cluster;
    auto one = cluster.operator_with(2);
    cluster.user.apply(web("img:1"));
    REQUIRE(one->run_some(2, 0));
    CHECK(cluster.bucket.values.size() == 2);  // the indices
    REQUIRE(one->run_some(2, 1));
    CHECK(cluster.user.held("web"));
    CHECK(cluster.user.records().empty());
    CHECK_FALSE(one->knows("web"));
    REQUIRE_FALSE(one->run_some(2, 1));
    CHECK(cluster.user.records().size() == 1);
    CHECK(cluster.holding("img:1") == 2);
}

TEST_CASE("a change reaches the devices, and the same again writes nothing") {
    Cluster cluster;
    auto one = cluster.operator_that_runs(3, web("img:1"));
    cluster.user.apply(web("img:2"));
    one->run(4);
    CHECK(cluster.holding("img:2") == 3);
    const auto calls = cluster.server->calls().size();
    one->run(5);
    CHECK(cluster.server->calls().size() == calls);
}

TEST_CASE("Deployments of another namespace are another operator's") {
    Cluster cluster;
    cluster.user.apply(web("img:other"), "elsewhere");
    auto one = cluster.operator_with(1);
    cluster.user.apply(web("img:1"));
    one->run(2);
    cluster.user.apply(web("img:other-2"), "elsewhere");
    one->run(3);
    CHECK(cluster.value("d0.web") == score("img:1").encode());
    CHECK_FALSE(cluster.user.get("web", "elsewhere")["metadata"].contains("finalizers"));
}

TEST_CASE("a deletion takes the keys first and then the finalizer, wherever the operator dies") {
    const int died_after = GENERATE(range(0, 4));
    Cluster cluster;
    {
        auto one = cluster.operator_that_runs(3, web("img:1"));
        cluster.user.remove("web");
        REQUIRE(cluster.user.held("web"));
        if (died_after > 0) (void)one->run_some(3, died_after - 1);
    }
    if (!cluster.user.get("web").is_null() && !cluster.user.held("web")) CHECK(cluster.holding("img:1") == 0);
    auto next = cluster.operator_with(3, 4);
    next->run(5);
    CHECK(cluster.user.get("web").is_null());
    CHECK(cluster.holding("img:1") == 0);
    CHECK_FALSE(next->knows("web"));
    cluster.user.apply(web("img:2"));
    next->run(6);
    CHECK(cluster.holding("img:2") == 3);
}

TEST_CASE("a Deployment that is let go leaves no record, also when the leader dies between the two") {
    Cluster cluster;
    auto one = cluster.operator_that_runs(2, large("img:1"));
    REQUIRE(cluster.user.records().size() == 2);  // a part of it, too
    cluster.user.remove("web");
    const bool dies = GENERATE(false, true);
    if (dies) {
        cluster.server->fail("patch", 1, kubernetes::make_failure(kubernetes::Reason::Unavailable, "away"));
        (void)one->run_some(3, 1);
        CHECK(cluster.user.held("web"));
        CHECK(cluster.user.records().empty());  // the record first: nobody would come back for it
        one = cluster.operator_with(2, 4);
    }
    one->run(5);
    CHECK(cluster.user.get("web").is_null());
    CHECK(cluster.user.records().empty());
    CHECK(cluster.bucket.values.size() == 2);  // the indices
}

TEST_CASE("a Deployment that was deleted while nobody looked lets go, and one made anew begins anew") {
    Cluster cluster;
    static_cast<void>(cluster.operator_that_runs(2, rolling("img:1")));
    cluster.user.remove("web");
    auto next = cluster.operator_with(2, 3);
    next->run(4);
    CHECK(cluster.user.get("web").is_null());
    cluster.user.apply(rolling("img:2"));
    next->run(5);
    CHECK(cluster.holding("img:2") == 2);  // a first spec goes everywhere at once
}

TEST_CASE("while paused the fleet keeps the spec before, also through a restart") {
    Cluster cluster;
    auto one = cluster.operator_that_runs(2, web("img:1"));
    auto paused = web("img:2");
    paused.spec.paused = true;
    const bool seen = GENERATE(true, false);
    if (!seen) one.reset();
    cluster.user.apply(paused);
    if (seen) one->run(3);
    one = cluster.operator_with(2, 4);
    one->run(5);
    CHECK(cluster.holding("img:1") == 2);
    CHECK(cluster.holding("img:2") == 0);
    cluster.user.apply(web("img:2"));
    one->run(6);
    CHECK(cluster.holding("img:2") == 2);
}

TEST_CASE("a rollout's steps are stored before they are written, and the next leader goes on from them") {
    Cluster cluster;
    auto one = cluster.operator_before_rollout(6);
    cluster.user.apply(rolling("img:2"));
    REQUIRE(one->run_some(4, 0));
    REQUIRE(one->run_some(4, 1));  // the record: now there is a step
    CHECK(cluster.holding("img:2") == 0);
    REQUIRE_FALSE(one->run_some(4, 1));
    CHECK(cluster.holding("img:2") == 2);
    // The bucket is lost, and with it what only the record knows.
    one.reset();
    cluster.bucket.values.clear();
    auto next = cluster.operator_with(6, 5);
    next->run(6);
    CHECK(cluster.holding("img:2") == 2);
    CHECK(cluster.holding("img:1") == 4);
    for (int second = 7; second < 12; ++second) {
        cluster.report_all(*next, second);
        next->run(second);
    }
    CHECK(cluster.holding("img:2") == 6);
}

TEST_CASE("a Deployment of no use gets a condition that says why, and nothing else") {
    Cluster cluster;
    auto one = cluster.operator_with(2);
    cluster.user.apply_spec("web", spec_of_no_use(web("img:1")));
    one->run(2);
    CHECK_FALSE(cluster.user.held("web"));
    CHECK(cluster.user.records().empty());
    const auto status = one->status("web");
    REQUIRE(status.conditions.size() == 3);
    CHECK(status.observed_generation == 1);
    CHECK(status.conditions[0].reason == kReasonInvalidSpec);
    CHECK(status.conditions[2].status == contracts::ConditionStatus::True);
    CHECK_THAT(status.conditions[0].message, Catch::Contains("spec.score.data.services[0].ports[0]"));
    REQUIRE(one->wishes.back().notes.size() == 1);
    CHECK(one->wishes.back().notes[0].reason == kReasonInvalidSpec);
    const auto told = one->wishes.size();
    one->run(10);
    CHECK(one->wishes.size() == told);

    cluster.user.apply(web("img:1"));
    one->run(12);
    CHECK(cluster.holding("img:1") == 2);
    CHECK(one->status("web").conditions[0].reason != kReasonInvalidSpec);
}

TEST_CASE("what a quota keeps from being stored is told on the Deployment, and goes on when there is room") {
    Cluster cluster;
    auto one = cluster.operator_with(1);
    cluster.user.apply(web("img:1"));
    cluster.server->fail(
        "create", 1, kubernetes::make_failure(kubernetes::Reason::QuotaExceeded, "exceeded quota: small"));
    one->run(2);
    CHECK(cluster.value("d0.web").empty());
    CHECK(one->status("web").conditions.at(1).reason == kReasonNotStored);
    CHECK(one->status("web").conditions.at(1).message == "exceeded quota: small");
    CHECK(one->status("web").observed_generation == 0);
    one->run(5);
    CHECK_FALSE(cluster.value("d0.web").empty());
    one->run(7);
    CHECK(one->status("web").conditions.at(1).reason == "DevicesPending");
    CHECK(one->status("web").observed_generation == 1);
}

TEST_CASE("a name that is none of the contract's is told on the Deployment") {
    Cluster cluster;
    auto one = cluster.operator_with(1);
    cluster.user.apply_spec("web.v2", Json::parse(web("img:1").encode()).at("spec"));
    one->run(2);
    CHECK_THAT(one->status("web.v2").conditions.at(0).message, Catch::StartsWith("metadata.name: "));
    CHECK_FALSE(cluster.user.held("web.v2"));
}

TEST_CASE("a Deployment whose name is none of the contract's lets go, whoever set its finalizer") {
    Cluster cluster;
    auto one = cluster.operator_with(1);
    cluster.user.apply_spec("web.v2", Json::parse(web("img:1").encode()).at("spec"));
    const Json copied{{"metadata", {{"finalizers", {contracts::kFinalizer}}}}};
    REQUIRE(cluster.user.client().patch({deployment_type(), kNamespace, "web.v2"},
                                        kubernetes::PatchKind::MergePatch, copied));
    one->run(2);
    cluster.user.remove("web.v2");
    one->run(3);
    CHECK(cluster.user.get("web.v2").is_null());
}

TEST_CASE("a Deployment that became of no use leaves the fleet as it was, also after a restart") {
    Cluster cluster;
    auto one = cluster.operator_in_rollout(4);
    cluster.user.apply_spec("web", spec_of_no_use(rolling("img:3")));
    one->run(4);
    cluster.report_all(*one, 4);
    one->run(5);
    CHECK(cluster.holding("img:2") == 2);  // its rollout stands still
    CHECK(one->status("web").conditions.at(0).reason == kReasonInvalidSpec);
    CHECK(one->status("web").observed_generation == 3);
    one = cluster.operator_with(4, 6);
    one->run(7);
    CHECK(cluster.holding("img:1") == 2);
    CHECK(cluster.holding("img:2") == 2);
    cluster.user.remove("web");
    one->run(8);
    CHECK(cluster.user.get("web").is_null());
}

TEST_CASE(
    "what is applied through the fleet API is in the cluster before the answer, exactly as it was said") {
    Cluster cluster;
    auto one = cluster.operator_with(1);
    const auto apply = [&](const contracts::Deployment& document) {
        one->replies.clear();
        const auto reply = one->resources.apply({document, false}, "reply", at(2));
        REQUIRE(reply);
        REQUIRE_FALSE(*reply);
        one->run(2);
        REQUIRE(one->replies.size() == 1);
        const auto answered = contracts::ApplyReply::decode(one->replies.front());
        if (!answered) FAIL(answered.error().text());
        return answered->change;
    };
    CHECK(apply(web("img:1")) == contracts::ApplyChange::Created);
    CHECK_FALSE(cluster.value("d0.web").empty());
    CHECK(apply(web("img:1")) == contracts::ApplyChange::Unchanged);
    CHECK(one->resources.deployment(deployment_name("web")).value()->deployment.spec == web("img:1").spec);
    // Somebody adds an environment with another tool; what is applied next has none.
    Json spec = cluster.user.get("web")["spec"];
    spec["score"]["data"]["services"][0]["env"] = {{"LEFT", "OVER"}};
    cluster.user.apply_spec("web", spec);
    one->run(3);
    CHECK(apply(web("img:2")) == contracts::ApplyChange::Configured);
    CHECK_FALSE(cluster.user.get("web")["spec"]["score"]["data"]["services"][0].contains("env"));

    auto elsewhere = web("img:1");
    elsewhere.metadata.name_space = "elsewhere";
    CHECK(one->resources.apply({elsewhere, false}, "reply", at(4)).error().kind() ==
          harmony::ErrorKind::InvalidInput);
    REQUIRE(one->resources.delete_deployment(deployment_name("web"), "reply", at(4)));
    one->replies.clear();
    one->run(5);
    CHECK(contracts::DeleteReply::decode(one->replies.at(0)).value().pending);
    for (const auto& call : cluster.server->calls()) {
        // Whoever asked waits for 10 seconds, and one who stops the operator for its workers.
        if (call.verb == "delete") CHECK(call.deadline <= std::chrono::seconds(3));
    }
    CHECK(cluster.user.get("web").is_null());
    REQUIRE(one->resources.delete_deployment(deployment_name("web"), "reply", at(6)));
    one->replies.clear();
    one->run(7);
    CHECK(contracts::DeleteReply::decode(one->replies.at(0)).error().kind() == harmony::ErrorKind::NotFound);
}
