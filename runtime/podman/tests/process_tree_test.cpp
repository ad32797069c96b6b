#include "harmony/podman/process_tree.hpp"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

extern char** environ;

namespace harmony::runtime::podman {
namespace {

using namespace std::chrono_literals;

pid_t start_shell(const std::string& script) {
    const char* arguments[] = {"sh", "-c", script.c_str(), nullptr};
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    pid_t pid = 0;
    REQUIRE(posix_spawn(&pid, "/bin/sh", nullptr, &attributes, const_cast<char* const*>(arguments),
                        environ) == 0);
    posix_spawnattr_destroy(&attributes);
    return pid;
}

}  // namespace

TEST_CASE("a session is ended with all it started, whatever group or session that is in") {
    std::string file = (std::filesystem::temp_directory_path() / "harmony-tree-XXXXXX").string();
    close(mkstemp(file.data()));
    const pid_t leader = start_shell("sleep 1000 & setsid sleep 1000 & echo $! >" + file + "; wait");
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    pid_t own_session = 0;
    while (own_session == 0 && std::chrono::steady_clock::now() < deadline) {
        std::ifstream(file) >> own_session;
        std::this_thread::sleep_for(5ms);
    }
    REQUIRE(own_session > 0);
    CHECK(kill_session(leader, 5s));
    int status = 0;
    REQUIRE(waitpid(leader, &status, 0) == leader);
    CHECK(WTERMSIG(status) == SIGKILL);
    // Its parent gone, it is a zombie of whoever adopted it at most.
    std::ifstream stat("/proc/" + std::to_string(own_session) + "/stat");
    std::string text;
    if (std::getline(stat, text)) CHECK(text.find(") Z") != std::string::npos);
    std::filesystem::remove(file);
}

TEST_CASE("nobody's session is ended by a number that stands for nothing") {
    CHECK_FALSE(kill_session(0, 10ms));
    CHECK_FALSE(kill_session(1, 10ms));
}

}  // namespace harmony::runtime::podman
