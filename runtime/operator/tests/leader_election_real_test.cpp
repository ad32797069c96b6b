// Two operators that want one Lease of a real API server.
#include <catch2/catch.hpp>
#include <cstdio>
#include <thread>

#include "api_cluster.hpp"
#include "cluster_definitions.hpp"
#include "harmony/operator/leader_election.hpp"

using namespace harmony::op;
using namespace harmony::op::testing;
using namespace std::chrono_literals;
namespace kubernetes = harmony::runtime::kubernetes;
namespace daemon_lib = harmony::runtime::daemon;
using harmony::runtime::kubernetes::testing::cluster_access;
using harmony::runtime::kubernetes::testing::connect;
using harmony::runtime::kubernetes::testing::need_cluster;
using harmony::runtime::kubernetes::testing::TestNamespace;

namespace {

SteadyTime now() {
    return std::chrono::steady_clock::now();
}

LeaderElectionSettings settings(const std::string& name_space, const std::string& identity) {
    LeaderElectionSettings result;
    result.name_space = name_space;
    result.lease = "operator";
    result.identity = identity;
    return result;
}

// An operator's election with a connection of its own.
struct Holder {
    Holder(const std::string& name_space, const std::string& identity) : client(connect(cluster_access())) {
        LeadershipEvents events;
        events.on_started_leading = [this] { started_at = now().time_since_epoch().count(); };
        events.on_stopped_leading = [this] { stopped_at = now().time_since_epoch().count(); };
        auto begun = start_leader_election(*client, settings(name_space, identity), std::move(events), health,
                                           metrics);
        REQUIRE(begun);
        election = std::move(*begun);
    }

    daemon_lib::HealthRegistry health;
    daemon_lib::MetricsRegistry metrics;
    std::atomic<SteadyTime::rep> started_at{0};
    std::atomic<SteadyTime::rep> stopped_at{0};
    std::unique_ptr<kubernetes::KubernetesClient> client;
    std::unique_ptr<LeaderElection> election;
};

std::unique_ptr<kubernetes::KubernetesClient> shared_cluster() {
    need_cluster();
    return connect(cluster_access());
}

struct Cluster {
    std::unique_ptr<kubernetes::KubernetesClient> client = shared_cluster();
    TestNamespace space{*client};
};

}  // namespace

TEST_CASE("of two operators one leads, and the other takes over when it is stopped") {
    Cluster cluster;
    Holder first(cluster.space.name(), "first");
    wait_for("the first leads", [&] { return first.election->leading(); });
    Holder second(cluster.space.name(), "second");
    wait_for("the second knows the leader", [&] { return second.election->leader() == "first"; });
    CHECK_FALSE(second.election->leading());
    CHECK(second.health.report(daemon_lib::CheckKind::Readiness).ok);
    CHECK_THAT(second.metrics.text(), Catch::Contains("harmony_operator_leading 0"));

    first.election->stop();
    CHECK_FALSE(first.election->leading());
    CHECK(first.stopped_at != 0);
    wait_for("the second leads", [&] { return second.election->leading(); });
    CHECK(second.started_at >= first.stopped_at);
    CHECK_THAT(second.metrics.text(), Catch::Contains("harmony_operator_leader_terms_total 1"));
    std::printf(
        "given up to taken over: %.2f s\n",
        std::chrono::duration<double>(SteadyTime::duration(second.started_at - first.stopped_at)).count());
}

TEST_CASE("an operator that is killed is followed after its lease has ended, not before") {
    Cluster cluster;
    const auto client = connect(cluster_access());
    LeaderElectionSteps killed(*client, settings(cluster.space.name(), "killed"), {});
    auto renewed = now();
    killed.step(renewed);
    REQUIRE(killed.leading(renewed));
    Holder standby(cluster.space.name(), "standby");
    wait_for("the standby knows the leader", [&] { return standby.election->leader() == "killed"; });
    renewed = now();
    killed.step(renewed);  // its last
    wait_for("the standby leads", [&] { return standby.election->leading(); });
    CHECK_FALSE(killed.leading(SteadyTime(SteadyTime::duration(standby.started_at))));
    const SteadyTime::duration took(standby.started_at - renewed.time_since_epoch().count());
    CHECK(took >= 10s);
    CHECK(took < 15s);
    std::printf("killed to taken over: %.2f s\n", std::chrono::duration<double>(took).count());
    // Whoever was paused instead of killed finds out.
    killed.step(now());
    CHECK(killed.leader() == "standby");
}

TEST_CASE("while the API server restarts there are never two leaders, and afterwards there is one") {
    Cluster cluster;
    Holder first(cluster.space.name(), "first");
    wait_for("the first leads", [&] { return first.election->leading(); });
    Holder second(cluster.space.name(), "second");
    wait_for("the second knows the leader", [&] { return second.election->leader() == "first"; });
    std::atomic<bool> two_led{false};
    std::jthread observer([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            if (first.election->leading() && second.election->leading()) two_led = true;
            std::this_thread::sleep_for(1ms);
        }
    });
    REQUIRE(kubernetes::testing::run_cluster_command("restart kube-apiserver"));
    // Whoever it is, by the Lease that it has renewed since.
    wait_for("one leads again", [&] {
        return (first.election->leading() || second.election->leading()) &&
               first.election->leader() == second.election->leader() &&
               first.health.report(daemon_lib::CheckKind::Readiness).ok &&
               second.health.report(daemon_lib::CheckKind::Readiness).ok;
    });
    CHECK_FALSE(two_led);
}
