// The plugin through its C interface, as the host drives it.
#include <harmony/plugin/testing/fake_host.hpp>

#include <harmony/capability/process_host.hpp>

#include "temporary_context.hpp"

using namespace harmony::plugin;
using harmony::local::testing::make_temporary_folder;

namespace {

struct Driven {
    std::filesystem::path root = make_temporary_folder("harmony-local-plugin");
    testing::FakeHost host{harmony_plugin_entry_1};
    std::uint64_t topology = 0;

    Driven() {
        host.session().state_dir = (root / "topology state").string();
        host.session().program_dirs = {HARMONY_BINARY_DIR "/bin"};
        auto created = host.create("topology", "LocalTopology");
        REQUIRE(created);
        topology = *created;
    }
    Driven(const Driven&) = delete;
    Driven& operator=(const Driven&) = delete;
    ~Driven() {
        (void)host.capability(topology, "process-host/1", "remove",
                              Json::object({{"name", "sleeper"}, {"delete_data", true}}));
        (void)host.invoke(topology, "topology.release", Json::object());
        std::filesystem::remove_all(root);
    }
    Result<Json> call(std::string_view capability, std::string_view method, const Json& params) {
        return host.capability(topology, capability, method, params);
    }
};

Json sleeper_spec() {
    return Json::object({{"name", "sleeper"},
                         {"program", "/bin/sh"},
                         {"args", Json::array({"-c", "while :; do sleep 1000; done"})},
                         {"ports", Json::array({Json::object({{"name", "web"}})})}});
}

}  // namespace

TEST_CASE("probing and planning through the plugin touch nothing") {
    Driven plugin;
    auto offers = plugin.host.probe(plugin.topology);
    REQUIRE(offers);
    CHECK(offers->size() == 4);
    CHECK(offers->front().capability == "process-host/1");
    CHECK(offers->front().available);
    auto plan = plugin.call("process-host/1", "plan", Json::object({{"spec", sleeper_spec()}}));
    REQUIRE(plan);
    CHECK(plan->find("action")->string_or("") == "create");
    CHECK(plugin.call("process-host/1", "list", Json::object()));
    CHECK(plugin.call("service-directory/1", "list", Json::object()));
    CHECK(plugin.call("secret-store/1", "list", Json::object({{"prefix", ""}})));
    CHECK_FALSE(std::filesystem::exists(plugin.root / "topology state"));
}

TEST_CASE("a daemon lives from prepare to release and its port is in the directory") {
    Driven plugin;
    REQUIRE(plugin.host.invoke(plugin.topology, "topology.prepare", Json::object()));
    auto ensured = plugin.call("process-host/1", "ensure", Json::object({{"spec", sleeper_spec()}}));
    REQUIRE(ensured);
    CHECK(ensured->find("action")->string_or("") == "create");
    const auto* daemon = ensured->find("daemon");
    REQUIRE(daemon != nullptr);
    CHECK(daemon->find("state")->string_or("") == "running");
    auto plan = plugin.call("process-host/1", "plan", Json::object({{"spec", sleeper_spec()}}));
    REQUIRE(plan);
    CHECK(plan->find("action")->string_or("") == "none");
    auto endpoint = plugin.call("service-directory/1", "resolve",
                                Json::object({{"service", "sleeper"}, {"port", "web"}}));
    REQUIRE(endpoint);
    CHECK(endpoint->find("host")->string_or("") == "127.0.0.1");
    CHECK(endpoint->find("port")->integer_or(0) == daemon->find("ports")->find("web")->integer_or(-1));

    auto removed =
        plugin.call("process-host/1", "remove", Json::object({{"name", "sleeper"}, {"delete_data", true}}));
    REQUIRE(removed);
    REQUIRE(plugin.host.invoke(plugin.topology, "topology.release", Json::object()));
    CHECK_FALSE(harmony::local::is_locked(plugin.root / "topology state/supervisor.lock"));
}

TEST_CASE("secrets pass through the plugin and a wrong name is an invalid parameter") {
    Driven plugin;
    auto first =
        plugin.call("secret-store/1", "ensure", Json::object({{"name", "nats/admin"}, {"bytes", 32}}));
    REQUIRE(first);
    auto value = plugin.call("secret-store/1", "get", Json::object({{"name", "nats/admin"}}));
    REQUIRE(value);
    CHECK(value->find("value")->string_or("") == first->find("value")->string_or("absent"));
    auto wrong = plugin.call("secret-store/1", "get", Json::object({{"name", "../up"}}));
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().status == HP_E_INVALID);
    CHECK(wrong.error().path == "name");
    auto missing = plugin.call("secret-store/1", "get", Json::object({{"name", "absent"}}));
    REQUIRE_FALSE(missing);
    CHECK(missing.error().code == "secret-store.not-found");
    REQUIRE(plugin.call("secret-store/1", "remove", Json::object({{"name", "nats/admin"}})));
}
