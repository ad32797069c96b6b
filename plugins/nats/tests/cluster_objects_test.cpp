#include "cluster_objects.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>

using namespace harmony::fleet_nats;
using harmony::plugin::Json;

namespace {

// HARMONY_ACCEPT=1 writes the file anew; the test then proves nothing.
void compare_with_golden(const std::string& name, const std::vector<Json>& objects) {
    const std::string path = std::string(HARMONY_SOURCE_DIR) + "/plugins/nats/golden/" + name;
    const std::string text = Json(Json::Array(objects)).dump(2) + "\n";
    if (std::getenv("HARMONY_ACCEPT") != nullptr) {
        std::ofstream(path, std::ios::binary) << text;
        WARN("accepted " << path);
        return;
    }
    std::ifstream stream(path, std::ios::binary);
    CHECK(std::string{std::istreambuf_iterator<char>(stream), {}} == text);
}

ClusterInputs inputs() {
    return {.context = "edge",
            .image = "registry.example.com/harmony-nats-server:1",
            .server_config = "listen: \"0.0.0.0:4222\"\n",
            .users_config = "users: []\n",
            .system_config = "system_account: \"SYS\"\n",
            .revision = "users:2",
            .users_at_start = "users:1"};
}

}  // namespace

TEST_CASE("the objects of a server without a volume are what they were") {
    compare_with_golden("cluster.json",
                        cluster_objects({.name_space = "fleet", .node_port = 30423}, inputs()));
}

TEST_CASE("the objects of a server with a volume are what they were") {
    auto with = inputs();
    with.persistent = true;
    with.storage_class = "fast";
    compare_with_golden("cluster_persistent.json", cluster_objects({.name_space = "fleet",
                                                                    .image_pull_secret = "registry",
                                                                    .service_type = ServiceType::ClusterIp,
                                                                    .storage_mib = 512},
                                                                   with));
}
