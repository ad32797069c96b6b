// container-runtime/1 with the podman of this machine.
#include <iostream>

#include "child_program.hpp"
#include "container_podman.hpp"
#include "durable_file.hpp"
#include "podman_trial.hpp"
#include "temporary_context.hpp"

using namespace harmony::local;
using namespace harmony::local::testing;

namespace {

bool has_podman() {
    if (ContainerPodman::find_program()) return true;
    std::cout << "SKIPPED: podman is not installed\n";
    return false;
}

}  // namespace

TEST_CASE("the podman service is started, survives a kill and is stopped with the last daemon") {
    if (!has_podman()) return;
    TemporaryContext context("harmony-local-podman");
    ContainerPodman podman(context.daemons());
    auto before = podman.info();
    REQUIRE(before);
    CHECK_FALSE(before->running);
    CHECK_FALSE(std::filesystem::exists(context.folders().state()));

    auto started = podman.ensure(never);
    if (!started) FAIL(started.error().summary << "\n" << started.error().detail);
    CHECK(started->socket == before->socket);
    CHECK(started->socket.size() < 108);
    CHECK(podman.info()->running);
    const auto daemon = context.view("podman");

    auto again = podman.ensure(never);
    REQUIRE(again);
    CHECK(context.view("podman").pid == daemon.pid);

    ::kill(daemon.pid, SIGKILL);
    REQUIRE(eventually([&] {
        const auto now = context.view("podman");
        return now.ready && now.pid != 0 && now.pid != daemon.pid;
    }));
}

TEST_CASE("containers are found and removed by their labels alone") {
    if (!has_podman()) return;
    TemporaryContext context("harmony-local-podman");
    ContainerPodman podman(context.daemons());
    REQUIRE(podman.ensure(never));
    const auto program = *ContainerPodman::find_program();
    const auto environment = known_podman_environment(context.folders().podman());
    const auto root = context.root() / "rootfs";
    REQUIRE(make_private_folders(root));
    const std::string mark = context.root().filename().string();
    for (const char* kind : {"one", "two"}) {
        auto made = run_program(
            {program, "create", "--network=none", "--name", "harmony-local-test-" + mark + kind, "--label",
             "test=" + mark, "--label", std::string("kind=") + kind, "--rootfs", root.string(), "/nothing"},
            environment, std::chrono::seconds(60));
        REQUIRE(made);
        INFO(made->errors);
        REQUIRE(made->exit_code == 0);
    }
    auto both = podman.containers({{"test", mark}});
    REQUIRE(both);
    CHECK(both->size() == 2);
    auto one = podman.containers({{"test", mark}, {"kind", "one"}});
    REQUIRE(one);
    REQUIRE(one->size() == 1);
    CHECK(one->front().name == "harmony-local-test-" + mark + "one");
    CHECK(one->front().labels.at("kind") == "one");
    CHECK(podman.remove_containers({{"test", mark}, {"kind", "one"}}) == 1);
    CHECK(podman.containers({{"test", mark}})->size() == 1);
    CHECK(podman.remove_containers({{"test", mark}}) == 1);
    CHECK(podman.remove_containers({{"test", mark}}) == 0);
    CHECK_FALSE(podman.remove_containers({}));
    CHECK(podman.image_exists("localhost/harmony-no-such-image:1") == false);
}

TEST_CASE("the trial's outcome is kept and its folder removed") {
    if (!has_podman()) return;
    TemporaryContext context("harmony-local-podman");
    const auto folder = context.root() / "trial";
    const auto program = *ContainerPodman::find_program();
    auto first = podman_environment(folder, program, "1.0");
    if (!first) FAIL(first.error().summary << "\n" << first.error().detail);
    CHECK_FALSE(std::filesystem::exists(folder / "trial-root"));
    // A podman that does nothing would fail a second trial.
    auto second = podman_environment(folder, "/bin/false", "1.0");
    REQUIRE(second);
    CHECK(*second == *first);
    auto other_version = podman_environment(folder, "/bin/false", "2.0");
    REQUIRE_FALSE(other_version);
    CHECK(other_version.error().code == "container-runtime.unusable");
}
