#include "harmony/agent/host_program.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

namespace harmony::agent {
namespace {

using namespace std::chrono_literals;
using runtime::podman::ExecSpec;

bool anybody_runs(const std::string& word) {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        std::ifstream file(entry.path() / "cmdline");
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        if (text.find(word) != std::string::npos) return true;
    }
    return false;
}

}  // namespace

TEST_CASE("a program on the device has its streams, its exit code and little of the agent's environment") {
    setenv("HARMONY_TEST_SECRET", "s3cret", 1);
    const auto ran = run_on_host(
        {.argv = {"sh", "-c",
                  "echo $PWD:$HARMONY_TEST_SECRET; read line; echo \"in:$line\"; echo wrong >&2; exit 9"}},
        {});
    unsetenv("HARMONY_TEST_SECRET");
    REQUIRE(ran);
    CHECK(ran->exit_code == 9);
    CHECK(ran->standard_output == "/:\nin:\n");
    CHECK(ran->standard_error == "wrong\n");
    CHECK_FALSE(ran->truncated);
    const auto descriptors = run_on_host({.argv = {"sh", "-c", "ls /proc/self/fd | wc -l"}}, {});
    CHECK(std::stoi(descriptors->standard_output) <= 4);
    CHECK(run_on_host({.argv = {"sh", "-c", "kill -9 $$"}}, {})->exit_code == 128 + SIGKILL);
}

TEST_CASE("a program that is not there, or is none, is told apart") {
    CHECK(run_on_host({.argv = {"no-such-program-here"}}, {}).error().kind() == ErrorKind::NotFound);
    CHECK(run_on_host({.argv = {"/etc/passwd"}}, {}).error().kind() == ErrorKind::PermissionDenied);
}

TEST_CASE("a stream on the device keeps its beginning, however much comes") {
    const auto ran = run_on_host(
        {.argv = {"sh", "-c", "head -c 5000000 /dev/zero; echo done >&2"}, .max_stream_bytes = 100'000}, {});
    REQUIRE(ran);
    CHECK(ran->standard_output.size() == 100'000);
    CHECK(ran->standard_error == "done\n");
    CHECK(ran->truncated);
}

TEST_CASE("a late program on the device is killed with all it started") {
    const std::string mark = "9" + std::to_string(getpid());
    const auto late = run_on_host(
        {.argv = {"sh", "-c", "sleep " + mark + " & setsid sleep " + mark + " & sleep " + mark + "; true"},
         .timeout = 300ms},
        {});
    REQUIRE_FALSE(late);
    CHECK(late.error().kind() == ErrorKind::Timeout);
    CHECK_THAT(late.error().text(), Catch::Contains("and was killed"));
    CHECK_FALSE(anybody_runs(std::string("sleep") + '\0' + mark));
}

TEST_CASE("a program on the device is interrupted when the agent stops") {
    std::stop_source source;
    std::thread stopper([&] {
        std::this_thread::sleep_for(100ms);
        source.request_stop();
    });
    const auto stopped = run_on_host({.argv = {"sleep", "1000"}}, source.get_token());
    stopper.join();
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().kind() == ErrorKind::Cancelled);
}

}  // namespace harmony::agent
