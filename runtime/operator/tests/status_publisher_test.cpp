#include "harmony/operator/status_publisher.hpp"

#include <catch2/catch.hpp>
#include <thread>

#include "cluster_harness.hpp"

using namespace harmony::op;
using namespace harmony::op::testing;
namespace kubernetes = harmony::runtime::kubernetes;

namespace {

std::size_t count(const kubernetes::FakeKubernetesServer& server, std::string_view resource) {
    std::size_t result = 0;
    for (const auto& call : server.calls())
        result += call.verb != "get" && call.resource == resource ? 1 : 0;
    return result;
}

}  // namespace

TEST_CASE("an operator that stopped leading while it wrote a status records no Event") {
    const auto server = kubernetes::FakeKubernetesServer::create();
    ClusterUser user(server);
    user.apply(deployment("web", selector({}), "img:1"));
    const auto client = server->connect();
    harmony::runtime::daemon::MetricsRegistry metrics;
    // Leads until a status was written.
    const auto publisher = start_status_publisher(
        *client, kNamespace, [&] { return count(*server, "deployments.fleet.nationtech.io/status") == 0; },
        metrics);
    const std::string uid = user.get("web")["metadata"]["uid"];
    publisher->publish(
        {"web", uid, R"({"observedGeneration":1})", {{false, "RolloutStarted", "0 of 1"}, {true, "X", "y"}}});
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (user.get("web")["status"].is_null() && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    publisher->stop();
    CHECK(user.get("web")["status"]["observedGeneration"] == 1);
    CHECK(count(*server, "events") == 0);
}
