#include "cluster_objects.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>

using namespace harmony::fleet_agent;
using harmony::plugin::Json;

namespace {

// HARMONY_ACCEPT=1 writes the file anew; the test then proves nothing.
void compare_with_golden(const std::string& name, const std::string& text) {
    const std::string path = std::string(HARMONY_SOURCE_DIR) + "/plugins/agent/golden/" + name;
    if (std::getenv("HARMONY_ACCEPT") != nullptr) {
        std::ofstream(path, std::ios::binary) << text;
        WARN("accepted " << path);
        return;
    }
    std::ifstream stream(path, std::ios::binary);
    CHECK(std::string{std::istreambuf_iterator<char>(stream), {}} == text);
}

const ClusterInputs kInputs{.context = "edge",
                            .image = "registry.example.com/harmony-fleet-agent:1",
                            .nats_url = "nats://fleet-nats.fleet.svc:4222"};

}  // namespace

TEST_CASE("the objects of an agent on a cluster are what they were") {
    const auto objects =
        cluster_objects({.name_space = "fleet", .image_pull_secret = "registry"}, kInputs,
                        {{"edge-north", "[agent]\n", "nats_user = \"device-edge-north\"\n"}});
    compare_with_golden("cluster.json", Json(Json::Array(objects)).dump(2) + "\n");
}

TEST_CASE("the file of an agent in a pod is what it was") {
    compare_with_golden("agent-pod.toml",
                        pod_agent_config({.exec_host_enabled = true, .name_space = "fleet"},
                                         {.id = "edge-north", .labels = {{"site", "north"}}}, kInputs));
}
