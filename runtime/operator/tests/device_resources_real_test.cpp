// Device resources on a real API server.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <thread>

#include "api_cluster.hpp"
#include "cluster_definitions.hpp"
#include "harmony/contracts/resources.hpp"
#include "harmony/operator/device_resources.hpp"
#include "harmony/operator/device_resources_object.hpp"

using namespace harmony::op;
using namespace harmony::op::testing;
using harmony::contracts::DeviceId;
using harmony::contracts::DeviceInfo;
using harmony::contracts::Inventory;
using harmony::contracts::Labels;
using harmony::contracts::Timestamp;
using harmony::runtime::kubernetes::testing::cluster_access;
using harmony::runtime::kubernetes::testing::connect;
using harmony::runtime::kubernetes::testing::need_cluster;
namespace kubernetes = harmony::runtime::kubernetes;
using Json = nlohmann::json;

namespace {

std::unique_ptr<kubernetes::KubernetesClient> shared_cluster() {
    need_cluster();
    auto client = connect(cluster_access());
    serve_definitions(*client);
    return client;
}

// One operator's part, of a stack that no other run has.
struct Operator {
    explicit Operator(std::string name) : stack(std::move(name)) { start(); }
    void start() {
        DeviceResourceSettings settings;
        settings.stack = stack;
        settings.heartbeat_stale_after = std::chrono::seconds(3'600);
        metrics = std::make_unique<harmony::runtime::daemon::MetricsRegistry>();
        auto begun = start_device_resources(*client, settings, *metrics);
        REQUIRE(begun);
        resources = std::move(*begun);
    }
    void lead() {
        resources->all_devices_told();
        resources->set_leading(true);
    }
    [[nodiscard]] bool says(const std::string& line) const {
        return metrics->text().find(line + "\n") != std::string::npos;
    }

    std::string stack;
    std::unique_ptr<kubernetes::KubernetesClient> client = connect(cluster_access());
    std::unique_ptr<harmony::runtime::daemon::MetricsRegistry> metrics;
    std::unique_ptr<DeviceResources> resources;
};

struct Fleet {
    std::unique_ptr<kubernetes::KubernetesClient> client = shared_cluster();
    std::string run = random_suffix();
    Operator leader{"blue-" + run};

    [[nodiscard]] DeviceId id(int number) const {
        return DeviceId::parse("edge-" + std::to_string(number) + "-" + run).value();
    }
    [[nodiscard]] DeviceInfo info(int number, Labels labels = {{"site", "lyon"}}) const {
        return {id(number), std::move(labels),
                Inventory{"host", "x86_64", "Debian", "6.1", 4, 1, 2, "podman", "4.3.1", {"192.0.2.1"}},
                "0.1.0", Timestamp::now()};
    }
    void tell(Operator& who, int devices) const {
        for (int i = 0; i < devices; ++i) {
            who.resources->device_known(info(i));
            who.resources->heartbeat_seen(id(i), Timestamp::now());
        }
    }
    [[nodiscard]] Json get(int number) const {
        auto found = client->get({device_resource_type(), {}, id(number).str()});
        return found ? *found : Json::object();
    }
    [[nodiscard]] std::string label(int number, const std::string& key) const {
        return get(number).value(Json::json_pointer("/metadata/labels/" + key), "");
    }
    [[nodiscard]] bool online(int number) const {
        return get(number).value(Json::json_pointer("/status/online"), false);
    }
    [[nodiscard]] Json condition(int number, const std::string& type) const {
        const Json found = get(number).value(Json::json_pointer("/status/conditions"), Json::array());
        for (const Json& entry : found) {
            if (entry["type"] == type) return entry;
        }
        return nullptr;
    }
    void remove(int devices) const {
        for (int i = 0; i < devices; ++i)
            static_cast<void>(client->remove({device_resource_type(), {}, id(i).str()}));
    }
};

}  // namespace

TEST_CASE("devices of the fleet become Device resources, follow it, and go with it") {
    Fleet fleet;
    auto& resources = *fleet.leader.resources;
    fleet.tell(fleet.leader, 3);
    fleet.leader.lead();
    for (int i = 0; i < 3; ++i)
        wait_for("a Device is online", [&] { return fleet.online(i); });
    const Json first = fleet.get(0);
    CHECK(harmony::contracts::Device::decode(first.dump()).has_value());
    CHECK(first["metadata"]["labels"]["site"] == "lyon");
    CHECK(first["spec"]["inventory"]["addresses"] == Json::array({"192.0.2.1"}));
    CHECK(fleet.condition(0, "Online")["status"] == "True");

    resources.device_known(fleet.info(0, {{"zone", "a"}}));
    wait_for("the labels follow", [&] { return fleet.label(0, "zone") == "a"; });
    CHECK_FALSE(fleet.get(0)["metadata"]["labels"].contains("site"));
    CHECK(fleet.online(0));  // applying the object leaves the status alone

    resources.device_forgotten(fleet.id(1));
    wait_for("a forgotten device's resource is gone", [&] { return fleet.get(1).empty(); });
    REQUIRE(fleet.client->remove({device_resource_type(), {}, fleet.id(2).str()}));
    wait_for("a resource deleted by hand comes back", [&] { return fleet.online(2); });
    fleet.leader.resources->stop();
    fleet.remove(3);
}

TEST_CASE("a device that says little becomes a Device too") {
    Fleet fleet;
    auto silent = fleet.info(0, {{"gpu", ""}});
    silent.inventory = Inventory{"", "x86_64", "", "", 0, 0, 0, "", "", {""}};
    fleet.leader.resources->device_known(silent);
    silent = fleet.info(1, {});
    silent.inventory.reset();
    fleet.leader.resources->device_known(silent);
    fleet.leader.lead();
    for (int i = 0; i < 2; ++i)
        wait_for("its status is there", [&] { return fleet.condition(i, "Online").is_object(); });
    CHECK(fleet.get(0)["metadata"]["labels"]["gpu"] == "");
    CHECK(fleet.get(1)["spec"] == Json::object());
    wait_for("nothing waits",
             [&] { return fleet.leader.says("harmony_operator_device_resources_waiting 0"); });
    CHECK(fleet.leader.says(R"(harmony_operator_device_resource_writes_total{kind="object"} 2)"));
    CHECK(fleet.leader.says("harmony_operator_device_resource_failures_total 0"));
    fleet.leader.resources->stop();
    fleet.remove(2);
}

TEST_CASE("an operator that takes over finds every Device as it is to be, and writes none") {
    Fleet fleet;
    fleet.tell(fleet.leader, 20);
    fleet.leader.lead();
    for (int i = 0; i < 20; ++i)
        wait_for("a Device is online", [&] { return fleet.online(i); });
    Operator standby(fleet.leader.stack);
    fleet.tell(standby, 20);
    wait_for("the standby has seen them",
             [&] { return standby.says("harmony_operator_device_resources 20"); });
    fleet.leader.resources->stop();
    standby.lead();
    standby.resources->device_known(fleet.info(7, {{"site", "nice"}}));
    wait_for("a change goes on", [&] { return fleet.label(7, "site") == "nice"; });
    wait_for("nothing waits", [&] { return standby.says("harmony_operator_device_resources_waiting 0"); });
    CHECK(standby.says(R"(harmony_operator_device_resource_writes_total{kind="object"} 1)"));
    CHECK(standby.says(R"(harmony_operator_device_resource_writes_total{kind="status"} 0)"));
    standby.resources->stop();
    fleet.remove(20);
}

TEST_CASE("a Device of another stack stays as it is, and says whose it is") {
    Fleet fleet;
    fleet.tell(fleet.leader, 1);
    fleet.leader.lead();
    wait_for("a Device is online", [&] { return fleet.online(0); });
    const Json before = fleet.get(0);
    Operator other("green-" + fleet.run);
    other.resources->device_known(fleet.info(0, {{"site", "green"}}));
    other.lead();
    wait_for("the other reports it",
             [&] { return other.says("harmony_operator_device_resources_foreign 1"); });
    other.resources->device_forgotten(fleet.id(0));
    wait_for("the other has let it go",
             [&] { return other.says("harmony_operator_device_resources_foreign 0"); });
    CHECK(fleet.get(0) == before);
    other.resources->stop();
    fleet.leader.resources->stop();
    fleet.remove(1);
}

TEST_CASE("a label that somebody has overwritten is not fought for, and the condition names who it was") {
    Fleet fleet;
    fleet.tell(fleet.leader, 1);
    fleet.leader.lead();
    wait_for("a Device is online", [&] { return fleet.online(0); });
    const kubernetes::ObjectRef ref{device_resource_type(), {}, fleet.id(0).str()};
    kubernetes::WriteOptions by_hand;
    by_hand.field_manager = "kubectl-label";
    REQUIRE(fleet.client->patch(ref, kubernetes::PatchKind::MergePatch,
                                {{"metadata", {{"labels", {{"site", "paris"}}}}}}, by_hand));
    wait_for("the conflict is told", [&] { return !fleet.condition(0, "ResourceCurrent").is_null(); });
    CHECK_THAT(fleet.condition(0, "ResourceCurrent")["message"].get<std::string>(),
               Catch::Contains("kubectl-label") && Catch::Contains("site"));
    CHECK(fleet.get(0)["metadata"]["labels"]["site"] == "paris");
    CHECK(fleet.online(0));
    // Given back, it is the device's again.
    REQUIRE(fleet.client->patch(ref, kubernetes::PatchKind::MergePatch,
                                {{"metadata", {{"labels", {{"site", nullptr}}}}}}, by_hand));
    wait_for("the label is the device's", [&] { return fleet.label(0, "site") == "lyon"; });
    wait_for("the conflict is over", [&] { return fleet.condition(0, "ResourceCurrent").is_null(); });
    fleet.leader.resources->stop();
    fleet.remove(1);
}

TEST_CASE("what changed while the API server restarted is written afterwards") {
    Fleet fleet;
    fleet.tell(fleet.leader, 2);
    fleet.leader.lead();
    for (int i = 0; i < 2; ++i)
        wait_for("a Device is online", [&] { return fleet.online(i); });
    std::jthread changes([&](const std::stop_token& stop) {
        for (int round = 0; !stop.stop_requested(); ++round) {
            fleet.leader.resources->device_known(fleet.info(0, {{"round", std::to_string(round)}}));
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    });
    REQUIRE(kubernetes::testing::run_cluster_command("restart kube-apiserver"));
    changes.request_stop();
    changes.join();
    fleet.leader.resources->device_known(fleet.info(0, {{"round", "last"}}));
    fleet.leader.resources->device_forgotten(fleet.id(1));
    wait_for("the last change is there", [&] { return fleet.label(0, "round") == "last"; });
    wait_for("the forgotten device is gone", [&] {
        const auto found = fleet.client->get({device_resource_type(), {}, fleet.id(1).str()});
        return !found && found.error().reason == kubernetes::Reason::NotFound;
    });
    fleet.leader.resources->stop();
    fleet.remove(1);
}
