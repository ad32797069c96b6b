#include <unistd.h>

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

TEST_CASE("commands run in a container of podman") {
    on_podman(commands_run_in_a_container);
}

TEST_CASE("podman kills what a late command has started, and leaves the container alone") {
    on_podman([](const Subject& subject) {
        const ContainerSpec spec = spec_for(subject, "kill");
        REQUIRE(subject.runtime.create(spec));
        REQUIRE(subject.runtime.start(spec.name));
        const std::string mark = "7" + std::to_string(getpid());  // a duration that nobody else sleeps
        const auto late = subject.runtime.exec(
            spec.name,
            {.argv = {"/bin/sh", "-c", "sleep " + mark + " & echo up; sleep " + mark + "; true"},
             .timeout = 1500ms},
            {});
        REQUIRE_FALSE(late);
        CHECK(late.error().text() == "the command did not end within 1 s and was killed");
        for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
            std::ifstream file(entry.path() / "cmdline");
            const std::string text{std::istreambuf_iterator<char>(file), {}};
            INFO(entry.path());
            CHECK(text.find("sleep" + std::string(1, '\0') + mark) == std::string::npos);
        }
        CHECK(subject.runtime.inspect(spec.name)->status == ContainerStatus::Running);
        REQUIRE(subject.runtime.remove(spec.name));
    });
}

TEST_CASE("podman's streams of a command are kept apart and cut at their limit") {
    on_podman([](const Subject& subject) {
        const ContainerSpec spec = spec_for(subject, "streams");
        REQUIRE(subject.runtime.create(spec));
        REQUIRE(subject.runtime.start(spec.name));
        const auto ran = subject.runtime.exec(
            spec.name,
            {.argv = {"/bin/sh", "-c",
                      "i=0; while [ $i -lt 5000 ]; do echo 0123456789012345678901234567890123456789; "
                      "i=$((i+1)); done; echo wrong >&2; exit 9"},
             .max_stream_bytes = 64 * 1024},
            {});
        REQUIRE(ran);
        CHECK(ran->exit_code == 9);
        CHECK(ran->standard_output.size() == 64 * 1024);
        CHECK(ran->standard_error == "wrong\n");
        CHECK(ran->truncated);
        REQUIRE(subject.runtime.remove(spec.name));
    });
}

TEST_CASE("podman's logs are followed from the tail on, without a gap and without repeating") {
    on_podman([](const Subject& subject) {
        ContainerSpec spec = spec_for(subject, "follow");
        spec.command = {"/bin/sh", "-c",
                        "i=0; while [ $i -lt 400 ]; do echo line $i; i=$((i+1)); "
                        "[ $((i % 100)) = 0 ] && sleep 0.4; done; exit 3"};
        REQUIRE(subject.runtime.create(spec));
        REQUIRE(subject.runtime.start(spec.name));
        std::this_thread::sleep_for(600ms);
        const auto tail = subject.runtime.logs(spec.name, {.lines = 1000});
        REQUIRE(tail);
        std::vector<std::string> lines;
        for (const LogLine& line : tail->lines)
            lines.push_back(line.text);
        const std::size_t in_tail = lines.size();
        CHECK(in_tail >= 100);
        LogPosition at = tail->position;
        // Twice broken off by its reader, and taken up again where it stood.
        for (int part = 0; part < 3; ++part) {
            const auto followed = subject.runtime.follow_logs(spec.name, at, 1024,
                                                              [&](LogLine line, const LogPosition& position) {
                                                                  lines.push_back(line.text);
                                                                  at = position;
                                                                  return part == 2 || lines.size() % 90 != 0;
                                                              },
                                                              {});
            INFO((followed ? "" : followed.error().text()));
            REQUIRE(followed);
        }
        REQUIRE(lines.size() == 400);
        for (std::size_t i = 0; i < lines.size(); ++i)
            CHECK(lines[i] == "line " + std::to_string(i));
        REQUIRE(subject.runtime.remove(spec.name));
    });
}

TEST_CASE("a line of ten MiB costs its beginning, and a silent container's stream ends with the token") {
    on_podman([](const Subject& subject) {
        ContainerSpec spec = spec_for(subject, "long");
        spec.command = {
            "/bin/sh", "-c",
            "b=$(busybox yes x | busybox head -c 200000 | busybox tr -d '\\n'); i=0; "
            "while [ $i -lt 100 ]; do printf %s \"$b\"; i=$((i+1)); done; echo; echo after; sleep 100"};
        REQUIRE(subject.runtime.create(spec));
        REQUIRE(subject.runtime.start(spec.name));
        std::stop_source source;
        std::vector<LogLine> lines;
        std::thread stopper;
        const auto followed = subject.runtime.follow_logs(
            spec.name, {}, 1000,
            [&](LogLine line, const LogPosition&) {
                lines.push_back(std::move(line));
                if (lines.back().text == "after") {
                    stopper = std::thread([&] {
                        std::this_thread::sleep_for(100ms);
                        source.request_stop();
                    });
                }
                return true;
            },
            source.get_token());
        if (stopper.joinable()) stopper.join();
        CHECK(followed);
        REQUIRE(lines.size() == 2);
        CHECK(lines[0].text == std::string(1000, 'x'));
        CHECK(lines[0].bytes == 10'000'000);
        REQUIRE(subject.runtime.remove(spec.name));
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
