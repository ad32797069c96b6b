#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

#include "harmony/podman_testing/podman_service.hpp"
#include "runtime_behaviour.hpp"

namespace harmony::runtime::podman::testing {
namespace {

using namespace std::chrono_literals;
using podman_testing::PodmanServiceFixture;

bool skipped() {
    const std::string reason = podman_testing::podman_missing_reason();
    if (!reason.empty()) std::cout << "SKIPPED: " << reason << '\n';
    return !reason.empty();
}

void on_podman(void (*behaviour)(const Subject&)) {
    if (skipped()) return;
    const PodmanServiceFixture service;
    const auto runtime = make_podman_runtime({.socket_path = service.socket_path()});
    behaviour({.runtime = *runtime, .image = service.image(), .run_id = service.run_id()});
}

}  // namespace

TEST_CASE("a container is created, started, stopped and removed on podman") {
    on_podman(a_container_lives);
}
TEST_CASE("podman tells absence and conflict apart") {
    on_podman(absence_and_conflict_are_told_apart);
}
TEST_CASE("podman lists containers by labels") {
    on_podman(containers_are_listed_by_labels);
}
TEST_CASE("podman tells events") {
    on_podman(events_are_told);
}

TEST_CASE("podman gives a container its command, environment, mounts, host name and logs") {
    on_podman([](const Subject& subject) {
        std::string directory = (std::filesystem::temp_directory_path() / "harmony-mount-XXXXXX").string();
        REQUIRE(mkdtemp(directory.data()) != nullptr);
        std::ofstream(directory + "/greeting") << "from the host\n";
        ContainerSpec spec = spec_for(subject, "detail");
        spec.command = {"/bin/sh", "-c",
                        "echo $GREETING; cat /data/greeting; cat /etc/hostname; echo wrong >&2; "
                        "echo x > /data/new || exit 7"};
        spec.environment = {{"GREETING", "hello = \"world\""}};
        spec.mounts = {{.source = directory, .destination = "/data", .read_only = true}};
        spec.hostname = "edge-one";
        const auto id = subject.runtime.create(spec);
        INFO((id ? "" : id.error().text()));
        REQUIRE(id);
        const auto started = subject.runtime.start(*id);
        INFO((started ? "" : started.error().text()));
        REQUIRE(started);
        const auto code = subject.runtime.wait(*id, 20s, {});
        REQUIRE(code);
        CHECK(*code == 7);
        CHECK(subject.runtime.inspect(*id)->exit_code == 7);
        const auto logs = subject.runtime.logs(*id, {});
        REQUIRE(logs);
        std::string out;
        bool told_on_stderr = false;
        for (const LogLine& line : logs->lines) {
            if (line.stream == "stdout") out += line.text + "|";
            told_on_stderr = told_on_stderr || (line.stream == "stderr" && line.text == "wrong");
        }
        CHECK(out == "hello = \"world\"|from the host|edge-one|");
        CHECK(told_on_stderr);
        CHECK(subject.runtime.logs(*id, {.lines = 1})->lines.size() == 1);
        REQUIRE(subject.runtime.remove(*id));
        std::filesystem::remove_all(directory);
    });
}

TEST_CASE("podman restarts a failing container by its policy") {
    on_podman([](const Subject& subject) {
        ContainerSpec spec = spec_for(subject, "restart");
        spec.command = {"/bin/sh", "-c", "exit 3"};
        spec.restart_policy = RestartPolicy::OnFailure;
        REQUIRE(subject.runtime.create(spec));
        REQUIRE(subject.runtime.start(spec.name));
        const auto deadline = std::chrono::steady_clock::now() + 20s;
        int restarts = 0;
        while (restarts == 0 && std::chrono::steady_clock::now() < deadline) {
            restarts = subject.runtime.inspect(spec.name)->restart_count;
            std::this_thread::sleep_for(10ms);
        }
        CHECK(restarts > 0);
        REQUIRE(subject.runtime.remove(spec.name));
    });
}

TEST_CASE("a pull from a registry that nobody serves is unavailable") {
    on_podman([](const Subject& subject) {
        const auto id = subject.runtime.pull("127.0.0.1:1/harmony/absent:1", {}, {});
        REQUIRE_FALSE(id);
        INFO(id.error().text());
        CHECK(id.error().kind() == ErrorKind::Unavailable);
        CHECK(id.error().text().find("127.0.0.1:1") != std::string::npos);
    });
}

TEST_CASE("podman's service may go away and come back under a runtime") {
    if (skipped()) return;
    PodmanServiceFixture service;
    const auto runtime = make_podman_runtime({.socket_path = service.socket_path()});
    const auto info = runtime->info();
    REQUIRE(info);
    CHECK(info->name == "podman");
    CHECK(info->version.find('.') != std::string::npos);
    CHECK_FALSE(info->kernel.empty());
    service.stop_service();
    const auto gone = runtime->list({});
    REQUIRE_FALSE(gone);
    CHECK(gone.error().kind() == ErrorKind::Unavailable);
    service.start_service();
    CHECK(runtime->list({{"io.nationtech.harmony/test-run", service.run_id()}}));
}

}  // namespace harmony::runtime::podman::testing
