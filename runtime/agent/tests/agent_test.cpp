#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "agent_fixture.hpp"
#include "harmony/contracts/commands.hpp"
#include "harmony/contracts/heartbeat.hpp"
#include "harmony/nats/key_value.hpp"

namespace harmony::agent::testing {

using contracts::Phase;
using namespace std::chrono_literals;

namespace {

// A service that ends at once on SIGTERM.
std::string service(const std::string& image, const std::string& further = "") {
    return R"({"services":[{"name":"web","image":")" + image +
           R"(","args":["/bin/sh","-c","trap 'exit 0' TERM; while :; do sleep 0.1; done"])" + further +
           R"(}],"lifecycle":{"grace_period_secs":1}})";
}

std::uint64_t beats(Fleet& fleet, const std::string& device) {
    const auto text = fleet.value("device-heartbeat", "heartbeat." + device);
    if (!text) return 0;
    CHECK(text->size() < contracts::kHeartbeatBytesLimit);
    const auto heartbeat = contracts::Heartbeat::decode(*text);
    return heartbeat ? static_cast<std::uint64_t>(heartbeat->at) : 0;
}

}  // namespace

TEST_CASE("a deployment is run, left alone, changed and removed, and only on its own device") {
    if (podman_is_missing()) return;
    Fleet fleet;
    const std::string one = fleet.device("one");
    const std::string two = fleet.device("two");
    fleet.start_agent(one);
    fleet.start_agent(two);
    const auto shared = std::filesystem::temp_directory_path();
    const std::string further =
        R"(,"env":{"COLOUR":"red"},"volumes":[")" + shared.string() + R"(:/shared:ro"])";
    fleet.deploy(one, "app", service(fleet.podman.image(), further));
    REQUIRE(fleet.reaches(one, "app", Phase::Running));
    const auto first = fleet.containers(one);
    REQUIRE(first.size() == 1);
    CHECK(first[0].name == "hf." + one + ".app.web");
    CHECK(first[0].status == runtime::podman::ContainerStatus::Running);
    CHECK(fleet.containers(two).empty());

    SECTION("ticks and restarts of the agent leave the container as it is") {
        const auto before = fleet.state(one, "app");
        const std::uint64_t beat = beats(fleet, one);
        REQUIRE(eventually([&] { return beats(fleet, one) > beat + 3; }));
        CHECK(fleet.stop_agent(one, SIGKILL) == -SIGKILL);
        fleet.start_agent(one);
        REQUIRE(eventually([&] { return beats(fleet, one) > beat + 6; }));
        CHECK(fleet.stop_agent(one, SIGTERM) == 0);
        CHECK(fleet.containers(one).at(0).status == runtime::podman::ContainerStatus::Running);
        fleet.start_agent(one);
        REQUIRE(eventually([&] { return beats(fleet, one) > beat + 9; }));
        const auto after = fleet.containers(one);
        REQUIRE(after.size() == 1);
        CHECK(after[0].id == first[0].id);
        CHECK(after[0].started_at == first[0].started_at);
        CHECK(fleet.state(one, "app") == before);
    }
    SECTION("a changed variable replaces the container") {
        const auto before = fleet.state(one, "app");
        fleet.deploy(one, "app", service(fleet.podman.image(), R"(,"env":{"COLOUR":"blue"})"));
        REQUIRE(eventually([&] {
            const auto now = fleet.state(one, "app");
            return now && now->score_hash != before->score_hash && now->phase == Phase::Running;
        }));
        const auto after = fleet.containers(one);
        REQUIRE(after.size() == 1);
        CHECK(after[0].id != first[0].id);
        CHECK(fleet.state(one, "app")->last_event_at > before->last_event_at);
    }
    SECTION("a withdrawn deployment goes with its container and its state") {
        fleet.withdraw(one, "app");
        CHECK(eventually([&] { return fleet.containers(one).empty() && !fleet.state(one, "app"); }));
    }
    SECTION("an image that is not there fails with the reason and stops nothing else") {
        fleet.deploy(one, "bad", service("localhost/no-such-image:1"));
        REQUIRE(fleet.reaches(one, "bad", Phase::Failed));
        CHECK(fleet.state(one, "bad")->last_error->find("localhost/no-such-image:1") != std::string::npos);
        CHECK(fleet.state(one, "app")->phase == Phase::Running);
        CHECK(fleet.containers(one).at(0).id == first[0].id);
    }
}

TEST_CASE("init containers run to their end before the services, and a failing one is named") {
    if (podman_is_missing()) return;
    Fleet fleet;
    const std::string one = fleet.device("one");
    fleet.start_agent(one);
    const auto with_init = [&](const std::string& command, int timeout) {
        std::string text = service(fleet.podman.image());
        text.pop_back();
        return text + R"(,"init_containers":[{"name":"prepare","image":")" + fleet.podman.image() +
               R"(","args":["/bin/sh","-c",")" + command + R"("],"timeout":)" + std::to_string(timeout) +
               "}]}";
    };
    fleet.deploy(one, "good", with_init("exit 0", 20));
    REQUIRE(fleet.reaches(one, "good", Phase::Running));
    CHECK(fleet.containers(one).size() == 1);
    fleet.deploy(one, "broken", with_init("exit 7", 20));
    REQUIRE(fleet.reaches(one, "broken", Phase::Failed));
    const auto failed = fleet.state(one, "broken");
    CHECK(failed->last_error->find("prepare: Exited with code 7") != std::string::npos);
    CHECK(failed->containers.empty());
    fleet.deploy(one, "slow", with_init("sleep 100", 1));
    REQUIRE(fleet.reaches(one, "slow", Phase::Failed));
    CHECK(fleet.state(one, "slow")->last_error->find("prepare: TimedOut after 1 s") != std::string::npos);
}

TEST_CASE("a ping is answered with id, version and uptime, and an unknown verb with BadRequest") {
    if (podman_is_missing()) return;
    Fleet fleet;
    const std::string one = fleet.device("one");
    fleet.start_agent(one);
    const auto ask = [&](const std::string& verb) {
        runtime::nats::Message message;
        message.subject = "device-commands." + one + "." + verb;
        return fleet.admin().request(message, 20s);
    };
    REQUIRE(eventually([&] { return ask("ping").has_value(); }));
    const auto pong = contracts::PingReply::decode(ask("ping")->payload);
    REQUIRE(pong);
    CHECK(pong->device_id.str() == one);
    CHECK_FALSE(pong->agent_version.empty());
    CHECK(ask("dance")->payload.find("BadRequest") != std::string::npos);
    CHECK(ask("exec")->payload.find("BadRequest") != std::string::npos);
}

TEST_CASE("the agent recovers from the end of podman and of the broker, and starts without either") {
    if (podman_is_missing()) return;
    Fleet fleet;
    const std::string one = fleet.device("one");
    fleet.start_agent(one);
    fleet.deploy(one, "app", service(fleet.podman.image()));
    REQUIRE(fleet.reaches(one, "app", Phase::Running));

    SECTION("podman") {
        fleet.podman.stop_service();
        fleet.deploy(one, "second", service(fleet.podman.image()));
        REQUIRE(eventually([&] {
            const auto now = fleet.state(one, "second");
            return now && now->last_error && now->last_error->starts_with("RuntimeUnavailable");
        }));
        fleet.podman.start_service();
        CHECK(fleet.reaches(one, "second", Phase::Running));
    }
    SECTION("the broker, with everything it held") {
        const std::string id = fleet.containers(one).at(0).id;
        fleet.nats->kill();
        fleet.nats->wipe_storage();
        fleet.nats->start();
        REQUIRE(
            eventually([&] { return fleet.admin().status() == runtime::nats::ConnectionStatus::Connected; }));
        fleet.make_buckets();
        CHECK(fleet.reaches(one, "app", Phase::Running));
        CHECK(eventually([&] { return fleet.value("device-info", "info." + one).has_value(); }));
        CHECK(fleet.containers(one).at(0).id == id);
    }
    SECTION("a start without a broker runs what was asked for last") {
        CHECK(fleet.stop_agent(one, SIGTERM) == 0);
        fleet.nats->stop();
        const auto runtime =
            runtime::podman::make_podman_runtime({.socket_path = fleet.podman.socket_path()});
        REQUIRE(runtime->remove(fleet.containers(one).at(0).id));
        fleet.start_agent(one);
        CHECK(eventually([&] { return fleet.containers(one).size() == 1; }));
        fleet.nats->start();
    }
}

TEST_CASE("what becomes of a container is seen by podman's events, long before the slow tick") {
    if (podman_is_missing()) return;
    Fleet fleet;
    fleet.reconcile_interval_s = 3600;
    const std::string one = fleet.device("one");
    fleet.start_agent(one);
    fleet.deploy(one, "app", service(fleet.podman.image()));
    REQUIRE(fleet.reaches(one, "app", Phase::Running));
    const auto runtime = runtime::podman::make_podman_runtime({.socket_path = fleet.podman.socket_path()});
    const auto runs = [&](const auto& is_it) {
        return eventually([&] {
            const auto found = fleet.containers(one);
            return found.size() == 1 && found[0].status == runtime::podman::ContainerStatus::Running &&
                   is_it(found[0].id);
        });
    };
    const std::string first = fleet.containers(one).at(0).id;
    REQUIRE(runtime->remove(first));
    REQUIRE(runs([&](const std::string& id) { return id != first; }));
    const std::string second = fleet.containers(one).at(0).id;
    REQUIRE(runtime->stop(second, 1s));
    CHECK(runs([&](const std::string& id) { return id == second; }));
}

TEST_CASE("a connected device whose words the broker has lost says them again when the index is repeated") {
    if (podman_is_missing()) return;
    Fleet fleet;
    const std::string one = fleet.device("one");
    fleet.start_agent(one);
    fleet.deploy(one, "app", service(fleet.podman.image()));
    REQUIRE(fleet.reaches(one, "app", Phase::Running));
    const auto before = fleet.state(one, "app");
    const std::string id = fleet.containers(one).at(0).id;
    for (const char* bucket : {"device-info", "device-state"})
        REQUIRE(runtime::nats::delete_bucket(fleet.admin(), bucket, 10s));
    fleet.make_buckets();
    REQUIRE_FALSE(fleet.state(one, "app"));
    const auto index = fleet.value("desired-state", one + "._index");
    REQUIRE(index);
    REQUIRE(runtime::nats::KeyValue(fleet.admin(), "desired-state").put(one + "._index", *index));
    CHECK(eventually([&] { return fleet.state(one, "app") == before; }));
    CHECK(eventually([&] { return fleet.value("device-info", "info." + one).has_value(); }));
    CHECK(fleet.containers(one).at(0).id == id);
}

TEST_CASE("a device without a runtime says so and still answers") {
    if (podman_is_missing()) return;
    Fleet fleet;
    const std::string one = fleet.device("one");
    fleet.start_agent(one, "runtime_enabled = false");
    fleet.deploy(one, "app", service(fleet.podman.image()));
    REQUIRE(fleet.reaches(one, "app", Phase::Failed));
    CHECK(fleet.state(one, "app")->last_error->find("runtime_enabled") != std::string::npos);
    CHECK(fleet.containers(one).empty());
    fleet.withdraw(one, "app");
    CHECK(eventually([&] { return !fleet.state(one, "app"); }));
}

}  // namespace harmony::agent::testing
