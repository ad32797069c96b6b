// What the agent makes of a bad day: stop signals, init containers, bad input, registries, boots, podman
// away. On a real podman, a real broker and the agent's own program.
#include <signal.h>
#include <sys/mount.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <mutex>

#include "convergence_support.hpp"
#include "harmony/podman_testing/registry.hpp"

namespace harmony::agent::testing {

TEST_CASE("the stop signal and the grace period are the container's own, whoever ends it") {
    if (podman_is_missing()) return;
    Fleet fleet;
    const Shared shared;
    const std::string one = fleet.device("one");
    fleet.start_agent(one);
    const auto traps = [&](const std::string& mark) {
        return score(
            container("web", fleet.podman.image(),
                      "trap 'echo " + mark + " >> /shared/marks; exit 0' INT; while :; do sleep 0.1; done",
                      shared.volume()),
            // Another signal first, or the whole grace period, would take longer than anybody waits here.
            R"(,"lifecycle":{"stop_signal":"SIGINT","grace_period_secs":300})");
    };
    fleet.deploy(one, "app", traps("first"));
    REQUIRE(fleet.reaches(one, "app", Phase::Running));
    fleet.deploy(one, "app", traps("second"));
    REQUIRE(eventually([&] { return shared.text("marks") == "first\n"; }));
    REQUIRE(fleet.reaches(one, "app", Phase::Running));
    fleet.withdraw(one, "app");
    REQUIRE(eventually([&] { return fleet.containers(one).empty(); }));
    CHECK(shared.text("marks") == "first\nsecond\n");

    // This one hears SIGTERM and goes on; it has its whole grace period, and no more. It counts itself how
    // long that was, so that a slow machine does not count.
    fleet.deploy(
        one, "deaf",
        score(container("web", fleet.podman.image(),
                        "trap 'echo heard >> /shared/deaf' TERM; "
                        "while :; do sleep 0.1; [ ! -e /shared/deaf ] || echo >> /shared/lives; done",
                        shared.volume()),
              R"(,"lifecycle":{"grace_period_secs":3})"));
    std::optional<std::string> old;
    REQUIRE(eventually([&] { return (old = only_container(fleet, one, "deaf")).has_value(); }));
    const auto deaf = Clock::now();
    // The new score's shorter period is not the old container's.
    fleet.deploy(
        one, "deaf",
        score(container("web", fleet.podman.image(), kLoop), R"(,"lifecycle":{"grace_period_secs":1})"));
    REQUIRE(eventually([&] {
        const auto now = only_container(fleet, one, "deaf");
        return now && now != old;
    }));
    CHECK(seconds_since(deaf) > 2.9);
    CHECK(shared.text("deaf") == "heard\n");
    const std::string lives = shared.text("lives");
    CHECK(std::count(lives.begin(), lives.end(), '\n') <= 60);  // of podman's own 10 s it would be 100
}

TEST_CASE("init containers run in order before any service, once for each fresh set, and leave nothing") {
    if (podman_is_missing()) return;
    Fleet fleet;
    const Shared shared;
    const std::string one = fleet.device("one");
    fleet.start_agent(one);
    const auto wanted = [&](const std::string& mark) {
        const auto step = [&](const std::string& name) {
            return container(name, fleet.podman.image(), "sleep 0.2; echo " + name + " >> /shared/order",
                             shared.volume());
        };
        return score(container("web", fleet.podman.image(),
                               "echo web-" + mark + " >> /shared/order; " + kLoop, shared.volume()),
                     R"(,"init_containers":[)" + step("b") + "," + step("a") +
                         R"(],"lifecycle":{"grace_period_secs":1})");
    };
    fleet.deploy(one, "app", wanted("1"));
    REQUIRE(fleet.reaches(one, "app", Phase::Running));
    REQUIRE(eventually([&] { return shared.text("order") == "b\na\nweb-1\n"; }));
    const auto state = fleet.state(one, "app");
    REQUIRE(state->containers.size() == 1);
    CHECK(state->containers[0].name == "hf." + one + ".app.web");
    CHECK(fleet.containers(one).size() == 1);

    CHECK(fleet.stop_agent(one, SIGKILL) == -SIGKILL);
    fleet.start_agent(one);
    wait_for_ticks(fleet, one, 3);
    CHECK(shared.text("order") == "b\na\nweb-1\n");

    fleet.deploy(one, "app", wanted("2"));
    REQUIRE(eventually([&] { return shared.text("order") == "b\na\nweb-1\nb\na\nweb-2\n"; }));
}

TEST_CASE("an init container that never ends gives way to a new score at once, and its leftover is removed") {
    if (podman_is_missing()) return;
    Fleet fleet;
    const std::string one = fleet.device("one");
    fleet.start_agent(one);
    const auto wanted = [&](const std::string& command) {
        return score(container("web", fleet.podman.image(), kLoop),
                     R"(,"init_containers":[)" + container("prepare", fleet.podman.image(), command) +
                         R"(],"lifecycle":{"grace_period_secs":1})");
    };
    std::string preparing;  // the id of the init container, as last seen
    const auto prepares = [&] {
        const auto containers = fleet.containers(one);
        if (containers.size() != 1 || containers[0].name != "hf." + one + ".app.init.prepare") return false;
        preparing = containers[0].id;
        return containers[0].labels.at("io.nationtech.harmony/init") == "true";
    };
    fleet.deploy(one, "app", wanted("sleep 300"));
    REQUIRE(eventually(prepares));
    REQUIRE(eventually(
        [&] { return last_error(fleet, one, "app").find("init.prepare runs") != std::string::npos; }));
    CHECK(fleet.state(one, "app")->phase == Phase::Pending);
    CHECK(fleet.state(one, "app")->containers.empty());

    // The leftover of an agent that was killed in the middle.
    CHECK(fleet.stop_agent(one, SIGKILL) == -SIGKILL);
    const std::string leftover = preparing;
    fleet.start_agent(one);
    REQUIRE(eventually([&] { return prepares() && preparing != leftover; }));

    fleet.deploy(one, "app", wanted("exit 0"));
    REQUIRE(fleet.reaches(one, "app", Phase::Running));
    CHECK(fleet.containers(one).size() == 1);
}

TEST_CASE("bad input has a defined result each, and costs no running container that it need not") {
    if (podman_is_missing()) return;
    Fleet fleet;
    const std::string one = fleet.device("one");
    const std::string image = fleet.podman.image();
    fleet.start_agent(one);

    SECTION("a score that is none, or of an unknown type") {
        put_raw(fleet, one, "odd", R"({"data":{},"type":"HelmV3"})");
        put_raw(fleet, one, "torn", R"({"data":{"serv)");
        fleet.deploy(one, "good", score(container("web", image, kLoop)));
        REQUIRE(
            eventually([&] { return last_error(fleet, one, "odd").find("HelmV3") != std::string::npos; }));
        REQUIRE(eventually([&] { return last_error(fleet, one, "torn").find("JSON") != std::string::npos; }));
        CHECK(fleet.state(one, "torn")->phase == Phase::Failed);
        CHECK(fleet.reaches(one, "good", Phase::Running));
    }
    SECTION("a volume that the host does not have") {
        fleet.deploy(one, "app", score(container("web", image, kLoop)));
        REQUIRE(fleet.reaches(one, "app", Phase::Running));
        const auto before = fleet.containers(one);
        fleet.deploy(one, "app",
                     score(container("web", image, kLoop, R"(,"volumes":["/no/such/folder:/data"])")));
        REQUIRE(fleet.reaches(one, "app", Phase::Failed));
        CHECK_THAT(last_error(fleet, one, "app"), Contains("/no/such/folder does not exist on this device"));
        const auto after = fleet.containers(one);
        REQUIRE(after.size() == 1);
        CHECK(after[0].id == before[0].id);
        CHECK(after[0].started_at == before[0].started_at);
    }
    SECTION("a port that somebody else has") {
        TakenPort taken;
        fleet.deploy(one, "app", score(container("web", image, kLoop)));
        REQUIRE(fleet.reaches(one, "app", Phase::Running));
        const std::string old = fleet.containers(one).at(0).id;
        fleet.deploy(one, "app",
                     score(container("web", image, kLoop, R"(,"ports":[")" + taken.text() + R"(:80"])")));
        REQUIRE(fleet.reaches(one, "app", Phase::Failed));
        CHECK_THAT(last_error(fleet, one, "app"),
                   Contains("port " + taken.text() + " is taken on this device"));
        taken.release();
        std::optional<std::string> second;
        REQUIRE(eventually([&] { return (second = only_container(fleet, one, "app")).has_value(); }));
        CHECK(*second != old);

        // The same port in the next generation: its own predecessor is no obstacle.
        fleet.deploy(one, "app",
                     score(container("web", image, kLoop,
                                     R"(,"env":{"A":"1"},"ports":[")" + taken.text() + R"(:80"])")));
        REQUIRE(eventually([&] {
            const auto third = only_container(fleet, one, "app");
            return third && third != second;
        }));
    }
}

TEST_CASE("a slow registry holds up its own deployments only, tells what it is at, and gives way at once") {
    if (podman_is_missing()) return;
    Fleet fleet;
    const TakenPort silent;
    const std::string one = fleet.device("one");
    fleet.start_agent(one);
    const std::string image = "127.0.0.1:" + silent.text() + "/slow/app:1";
    for (const char* name : {"a1", "a2", "a3", "a4", "a5"})
        fleet.deploy(one, name, score(container("web", image, kLoop)));
    REQUIRE(eventually([&] { return last_error(fleet, one, "a5").find("pulling image " + image) == 0; }));
    CHECK(fleet.state(one, "a5")->phase == Phase::Pending);
    fleet.deploy(one, "z", score(container("web", fleet.podman.image(), kLoop)));
    REQUIRE(fleet.reaches(one, "z", Phase::Running));
    fleet.deploy(one, "a1", score(container("web", fleet.podman.image(), kLoop)));
    REQUIRE(fleet.reaches(one, "a1", Phase::Running));
    // Meanwhile the registry has answered nobody.
    for (const char* name : {"a2", "a3", "a4", "a5"})
        CHECK_THAT(last_error(fleet, one, name), Catch::StartsWith("pulling image " + image));
}

TEST_CASE("an image comes from a registry that asks for credentials, and each way it can fail is told") {
    if (podman_is_missing()) return;
    if (const auto reason = runtime::podman_testing::registry_missing_reason(); !reason.empty()) {
        std::cout << "SKIPPED: " << reason << '\n';
        return;
    }
    Fleet fleet;
    runtime::podman_testing::RegistryFixture registry(fleet.podman);
    const std::string image = registry.push("app");
    const Shared shared;
    const std::string file = (shared.path() / "auth.json").string();
    const auto write_auths = [&](const std::string& text) {
        std::ofstream(file) << text;
        fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
    };
    write_auths(R"({"auths":{}})");
    const std::string one = fleet.device("one");
    fleet.start_agent(one, "", "registry_auth_file = \"" + file + "\"");

    fleet.deploy(one, "app", score(container("web", image, kLoop)));
    REQUIRE(fleet.reaches(one, "app", Phase::Failed));
    CHECK_THAT(last_error(fleet, one, "app"), Contains("the registry " + registry.address() + " refuses"));
    write_auths(registry.auth_file_text());
    CHECK(fleet.reaches(one, "app", Phase::Running));

    fleet.deploy(one, "none", score(container("web", registry.address() + "/harmony/none:1", kLoop)));
    fleet.deploy(one, "away", score(container("web", "127.0.0.1:1/harmony/app:1", kLoop)));
    fleet.deploy(one, "short", score(container("web", "harmony-no-such-image", kLoop)));
    REQUIRE(eventually(
        [&] { return last_error(fleet, one, "none").find("has no such image") != std::string::npos; }));
    REQUIRE(eventually(
        [&] { return last_error(fleet, one, "away").find("cannot be reached") != std::string::npos; }));
    REQUIRE(eventually(
        [&] { return last_error(fleet, one, "short").find("complete name") != std::string::npos; }));
    CHECK(fleet.state(one, "app")->phase == Phase::Running);
    const std::string log = fleet.log_of(one);
    CHECK(log.find("pulled") != std::string::npos);
    // The progress that is told is counted in these; none means that podman words it in another way.
    CHECK(log.find(R"("layers":0)") == std::string::npos);
    CHECK(log.find(registry.password()) == std::string::npos);
}

TEST_CASE("a damaged file of registry credentials costs pulls only, is told, and is read again when mended") {
    if (podman_is_missing()) return;
    Fleet fleet;
    const Shared shared;
    const std::string file = (shared.path() / "auth.json").string();
    const auto write_auths = [&](const std::string& text) {
        std::ofstream(file) << text;
        fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
    };
    write_auths(R"({"auths":{"r.example.com":{"auth":")");
    const std::string one = fleet.device("one");
    fleet.start_agent(one, "", "registry_auth_file = \"" + file + "\"");
    fleet.deploy(one, "here", score(container("web", fleet.podman.image(), kLoop)));
    CHECK(fleet.reaches(one, "here", Phase::Running));
    fleet.deploy(one, "away", score(container("web", "127.0.0.1:1/harmony/app:1", kLoop)));
    REQUIRE(fleet.reaches(one, "away", Phase::Failed));
    CHECK_THAT(last_error(fleet, one, "away"), Contains("podman.registry_auth_file") && Contains(file));
    CHECK_THAT(page(fleet, one, "/readyz"), Contains("registry-credentials") && Contains(file));
    CHECK_THAT(fleet.log_of(one), Contains("no image can be pulled"));
    std::string output;
    CHECK(fleet.check_config(one, output) == 2);
    CHECK_THAT(output, Contains("failed: registry credentials " + file));

    write_auths(R"({"auths":{}})");
    REQUIRE(eventually(
        [&] { return last_error(fleet, one, "away").find("cannot be reached") != std::string::npos; }));
    CHECK_THAT(page(fleet, one, "/readyz"), Contains("\"status\":\"ok\""));
    CHECK(fleet.check_config(one, output) == 0);
}

TEST_CASE("after a boot containers come back by themselves, without a network, and are told when they run") {
    if (podman_is_missing()) return;
    Fleet fleet;
    const std::string one = fleet.device("one");
    fleet.start_agent(one);
    fleet.deploy(one, "app", score(container("web", fleet.podman.image(), kLoop)));
    REQUIRE(fleet.reaches(one, "app", Phase::Running));
    const std::string id = fleet.containers(one).at(0).id;
    const auto runtime = runtime::podman::make_podman_runtime({.socket_path = fleet.podman.socket_path()});

    // What a power cut leaves: no agent, no podman, and a container that has ended.
    CHECK(fleet.stop_agent(one, SIGKILL) == -SIGKILL);
    REQUIRE(runtime->stop(id, 1s));
    fleet.podman.stop_service();

    SECTION("with the broker there before podman") {
        std::mutex mutex;
        std::vector<std::pair<Phase, bool>> told;  // the phase, and whether the container ran then
        auto watching = fleet.admin().subscribe(
            "$KV.device-state.state." + one + ".app", [&](const runtime::nats::Message& message) {
                const auto state = contracts::DeploymentState::decode(message.payload);
                const auto now = runtime->inspect(id);
                const bool runs = now && now->status == runtime::podman::ContainerStatus::Running;
                const std::lock_guard lock(mutex);
                if (state) told.emplace_back(state->phase, runs);
            });
        REQUIRE(watching);
        fleet.start_agent(one);
        REQUIRE(eventually([&] { return fleet.state(one, "app")->phase == Phase::Failed; }));
        CHECK_THAT(last_error(fleet, one, "app"), Contains("RuntimeUnavailable"));
        fleet.podman.start_service();
        REQUIRE(fleet.reaches(one, "app", Phase::Running));
        REQUIRE(eventually([&] {
            const std::lock_guard lock(mutex);
            return !told.empty() && told.back().first == Phase::Running;
        }));
        watching->end();
        const std::lock_guard lock(mutex);
        for (const auto& [phase, runs] : told)
            CHECK((phase != Phase::Running || runs));
    }
    SECTION("with no broker at all") {
        fleet.nats->stop();
        fleet.start_agent(one);
        fleet.podman.start_service();
        REQUIRE(eventually([&] {
            const auto now = runtime->inspect(id);
            return now && now->status == runtime::podman::ContainerStatus::Running;
        }));
        fleet.nats->start();
        REQUIRE(
            eventually([&] { return fleet.admin().status() == runtime::nats::ConnectionStatus::Connected; }));
        CHECK(fleet.reaches(one, "app", Phase::Running));
    }
    CHECK(fleet.containers(one).size() == 1);
    CHECK(fleet.containers(one).at(0).id == id);
}

TEST_CASE("podman that is late or goes is told everywhere, and the same agent recovers") {
    if (podman_is_missing()) return;
    Fleet fleet;
    fleet.podman.stop_service();
    const std::string one = fleet.device("one");
    fleet.start_agent(one);
    const pid_t pid = fleet.agent_pid(one);
    const auto ready = [&] { return page(fleet, one, "/readyz"); };
    fleet.deploy(one, "app", score(container("web", fleet.podman.image(), kLoop)));
    REQUIRE(eventually([&] { return ready().find("RuntimeUnavailable") != std::string::npos; }));
    REQUIRE(fleet.reaches(one, "app", Phase::Failed));
    CHECK_THAT(last_error(fleet, one, "app"), Contains("RuntimeUnavailable"));
    CHECK(runtime_in_info(fleet, one).empty());

    for (int life = 0; life < 2; ++life) {
        fleet.podman.start_service();
        REQUIRE(fleet.reaches(one, "app", Phase::Running));
        REQUIRE(eventually([&] { return runtime_in_info(fleet, one) == "podman"; }));
        REQUIRE(eventually([&] { return ready().find("\"status\":\"ok\"") != std::string::npos; }));
        fleet.podman.stop_service();
        REQUIRE(eventually([&] { return runtime_in_info(fleet, one).empty(); }));
    }
    fleet.podman.start_service();
    CHECK(fleet.agent_pid(one) == pid);
    CHECK(kill(pid, 0) == 0);
}

TEST_CASE("a full disk is told, stops nothing, and is forgotten when there is room again") {
    if (podman_is_missing()) return;
    Fleet fleet;
    const std::string one = fleet.device("one");
    const std::string directory = fleet.state_directory(one);
    fs::create_directories(directory);
    if (mount("tmpfs", directory.c_str(), "tmpfs", 0, "size=64k") != 0) {
        std::cout << "SKIPPED: no file system can be mounted here\n";
        return;
    }
    fleet.start_agent(one);
    REQUIRE(eventually(
        [&] { return page(fleet, one, "/readyz").find("\"status\":\"ok\"") != std::string::npos; }));
    std::ofstream(directory + "/ballast") << std::string(1024 * 1024, 'x');
    fleet.deploy(one, "app", score(container("web", fleet.podman.image(), kLoop)));
    CHECK(fleet.reaches(one, "app", Phase::Running));
    CHECK(eventually([&] { return page(fleet, one, "/readyz").find("No space left") != std::string::npos; }));
    wait_for_ticks(fleet, one, 3);
    const std::string log = fleet.log_of(one);
    const auto first = log.find("cannot be stored");
    REQUIRE(first != std::string::npos);
    const auto second = log.find("cannot be stored", first + 1);
    // Once for the desired state and once for the states.
    CHECK((second == std::string::npos || log.find("cannot be stored", second + 1) == std::string::npos));
    CHECK(page(fleet, one, "/metrics").find("harmony_agent_save_failures_total 0") == std::string::npos);
    fs::remove(directory + "/ballast");
    CHECK(eventually(
        [&] { return page(fleet, one, "/readyz").find("\"status\":\"ok\"") != std::string::npos; }));
    CHECK(fleet.file_of(one, "desired.json").find("\"app\"") != std::string::npos);

    // It also starts on a full disk.
    std::ofstream(directory + "/ballast") << std::string(1024 * 1024, 'x');
    CHECK(fleet.stop_agent(one, SIGTERM) == 0);
    fleet.deploy(one, "second", score(container("web", fleet.podman.image(), kLoop)));
    fleet.start_agent(one);
    CHECK(fleet.reaches(one, "second", Phase::Running));
    (void)fleet.stop_agent(one, SIGTERM);
    CHECK(umount2(directory.c_str(), MNT_DETACH) == 0);
}

TEST_CASE("an idle agent is small, also after it has worked") {
    if (podman_is_missing()) return;
    Fleet fleet;
    const std::string one = fleet.device("one");
    fleet.start_agent(one);
    for (const char* name : {"a", "b", "c", "d", "e", "f"})
        fleet.deploy(one, name, score(container("web", fleet.podman.image(), kLoop)));
    for (const char* name : {"a", "b", "c", "d", "e", "f"})
        REQUIRE(fleet.reaches(one, name, Phase::Running));
    const auto kilobytes = [&](const std::string& field) {
        std::ifstream rollup("/proc/" + std::to_string(fleet.agent_pid(one)) + "/smaps_rollup");
        for (std::string word; rollup >> word;) {
            long value = 0;
            if (word == field + ":" && rollup >> value) return value;
        }
        return -1L;
    };
    // The project's own limits, in KiB.
    CHECK(eventually([&] { return kilobytes("Pss") < 6 * 1024; }));
    CHECK(eventually([&] { return kilobytes("Anonymous") < 2 * 1024; }));
    CHECK(kilobytes("Anonymous") > 0);
    std::cout << "agent after six deployments: " << kilobytes("Pss") << " KiB proportional, "
              << kilobytes("Anonymous") << " KiB anonymous\n";
}

TEST_CASE(
    "checking the configuration tells what the agent would find, beside a running one, and changes nothing") {
    if (podman_is_missing()) return;
    Fleet fleet;
    const std::string one = fleet.device("one");
    fleet.start_agent(one);
    fleet.deploy(one, "app", score(container("web", fleet.podman.image(), kLoop)));
    REQUIRE(fleet.reaches(one, "app", Phase::Running));
    const auto names = [&] {
        std::set<std::string> found;
        for (const auto& entry : fs::directory_iterator(fleet.state_directory(one)))
            found.insert(entry.path().filename());
        return found;
    };
    const auto before = names();
    std::string output;
    CHECK(fleet.check_config(one, output) == 0);
    CHECK_THAT(output, Contains("ok: configuration is valid") && Contains("ok: state directory") &&
                           Contains("ok: podman at"));
    CHECK(names() == before);
    CHECK(fleet.containers(one).size() == 1);

    fleet.podman.stop_service();
    CHECK(fleet.check_config(one, output) == 0);
    CHECK_THAT(output, Contains("warning: podman at"));
    fleet.podman.start_service();

    const std::string file = fleet.config_file(one);
    const std::string good = text_of(file);
    std::ofstream(file, std::ios::app) << "registry_auth_file = \"/no/such/auth.json\"\n";
    CHECK(fleet.check_config(one, output) == 2);
    CHECK_THAT(output, Contains("podman.registry_auth_file") && Contains("/no/such/auth.json"));
    std::string many = good;
    std::string labels;
    for (int number = 0; number < 1000; ++number)
        labels += "k" + std::to_string(number) + " = \"v\"\n";
    many.insert(many.find("[nats]"), labels);
    std::ofstream(file) << many;
    CHECK(fleet.check_config(one, output) == 2);
    CHECK_THAT(output, Contains("labels: holds 1001 entries, expected at most 64"));
    std::string elsewhere = good;
    const std::string directory = fleet.state_directory(one);
    elsewhere.replace(elsewhere.find(directory), directory.size(), file + "/state");
    std::ofstream(file) << elsewhere;
    CHECK(fleet.check_config(one, output) == 2);
    CHECK_THAT(output, Contains("failed: state directory " + file + "/state"));
}

}  // namespace harmony::agent::testing
