#include "harmony/operator/status_publisher.hpp"

#include <catch2/catch.hpp>
#include <thread>

#include "cluster_harness.hpp"

using namespace harmony::op;
using namespace harmony::op::testing;
namespace kubernetes = harmony::runtime::kubernetes;

namespace {

constexpr const char* kStatuses = "deployments.fleet.nationtech.io/status";
const kubernetes::ResourceType kEvents{"", "v1", "events", "Event", true};

// A Deployment `web`, and who writes its status.
struct Published {
    explicit Published(std::function<bool()> leading = [] { return true; }) {
        user.apply(deployment("web", selector({}), "img:1"));
        uid = user.get("web")["metadata"]["uid"];
        publisher = start_status_publisher(*client, kNamespace, std::move(leading), metrics);
    }

    void wish(int generation, const std::string& of, std::vector<DeploymentNote> notes = {}) {
        publisher->publish({"web", of, Json{{"observedGeneration", generation}}.dump(), std::move(notes)});
    }
    void wish(int generation) { wish(generation, uid); }
    // Calls that change something.
    [[nodiscard]] std::size_t writes(std::string_view resource) const {
        std::size_t result = 0;
        for (const auto& call : server->calls())
            result += call.verb != "get" && call.resource == resource ? 1 : 0;
        return result;
    }
    [[nodiscard]] bool says(const std::string& line) const {
        return metrics.text().find(line + "\n") != std::string::npos;
    }
    [[nodiscard]] bool generation_becomes(int generation) {
        return eventually([&] {
            const Json status = user.get("web")["status"];
            return status.is_object() && status["observedGeneration"] == generation;
        });
    }
    static bool eventually(const std::function<bool()>& holds) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (!holds()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        return true;
    }

    std::shared_ptr<kubernetes::FakeKubernetesServer> server = kubernetes::FakeKubernetesServer::create();
    ClusterUser user{server};
    std::string uid;
    std::unique_ptr<kubernetes::KubernetesClient> client = server->connect();
    harmony::runtime::daemon::MetricsRegistry metrics;
    std::unique_ptr<StatusPublisher> publisher;
};

}  // namespace

TEST_CASE("an operator that stopped leading while it wrote a status records no Event") {
    // Leads until a status was written.
    std::function<std::size_t()> written = [] { return std::size_t{0}; };
    Published published([&] { return written() == 0; });
    written = [&] { return published.writes(kStatuses); };
    published.wish(1, published.uid, {{false, "RolloutStarted", "0 of 1"}, {true, "X", "y"}});
    CHECK(published.generation_becomes(1));
    published.publisher->stop();
    CHECK(published.writes("events") == 0);
}

TEST_CASE("a status is written at most once a second, and the newest one counts") {
    Published published;
    const auto began = std::chrono::steady_clock::now();
    published.wish(1);
    REQUIRE(published.generation_becomes(1));
    published.wish(2);
    published.wish(3);
    REQUIRE(published.generation_becomes(3));
    CHECK(std::chrono::steady_clock::now() - began >= std::chrono::seconds(1));
    CHECK(published.writes(kStatuses) == 2);
}

TEST_CASE("a status that somebody came before is written again, one of another Deployment is not") {
    Published published;
    published.server->fail(
        "patch", 1, kubernetes::make_failure(kubernetes::Reason::Conflict, "the object has been modified"));
    SECTION("the same Deployment") {
        published.wish(1);
        CHECK(published.generation_becomes(1));
        CHECK(published.says("harmony_operator_statuses_failed_total 1"));
    }
    SECTION("another one of that name") {
        published.wish(1, "of the one before");
        REQUIRE(Published::eventually([&] { return published.writes(kStatuses) == 1; }));
        published.wish(2);
        CHECK(published.generation_becomes(2));
        CHECK(published.says("harmony_operator_statuses_failed_total 0"));
    }
}

TEST_CASE("what could not be told of a Deployment is not told of the one that was made anew meanwhile") {
    std::function<void()> meanwhile = [] {};
    Published published([&] {
        std::exchange(meanwhile, [] {})();
        return true;
    });
    published.server->fail("patch", 1,
                           kubernetes::make_failure(kubernetes::Reason::Unavailable, "restarting"));
    meanwhile = [&] { published.wish(2, published.uid, {{false, "OfTheNewOne", ""}}); };
    published.wish(1, "of the one before", {{true, "OfTheOneBefore", ""}});
    REQUIRE(published.generation_becomes(2));
    REQUIRE(Published::eventually([&] { return published.writes("events") == 1; }));
    published.publisher->stop();
    const auto events = published.client->list(kEvents, kNamespace)->items;
    REQUIRE(events.size() == 1);
    CHECK(events[0]["reason"] == "OfTheNewOne");
}
