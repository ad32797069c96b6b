#include "harmony/daemon/shutdown.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

namespace harmony::runtime::daemon {
namespace {

using namespace std::chrono_literals;

// Runs the body in a child, so that signals reach a process of its own; returns its wait status.
template <class Body>
int in_child(Body body) {
    int ready[2];
    REQUIRE(pipe(ready) == 0);
    const pid_t child = fork();
    if (child == 0) {
        auto signals = ShutdownSignals::install();
        if (!signals) _exit(99);
        body(**signals, ready[1]);
        _exit(98);
    }
    REQUIRE(child > 0);
    close(ready[1]);
    char go = 0;
    while (read(ready[0], &go, 1) == 1)
        kill(child, go);
    close(ready[0]);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    return status;
}

void ask_for(int fd, char signal) {
    if (write(fd, &signal, 1) != 1) _exit(97);
}

}  // namespace

TEST_CASE("SIGTERM becomes a stop request and SIGHUP is ignored") {
    const int status = in_child([](ShutdownSignals& signals, int fd) {
        ask_for(fd, SIGHUP);
        if (signals.wait_for(50ms)) _exit(1);
        if (signals.token().stop_requested()) _exit(2);
        ask_for(fd, SIGTERM);
        const int signal = signals.wait();
        // The token follows the wake-up at once.
        while (!signals.token().stop_requested()) {
        }
        _exit(signal == SIGTERM ? 0 : 3);
    });
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a second signal ends a daemon that hangs while stopping") {
    const int status = in_child([](ShutdownSignals& signals, int fd) {
        ask_for(fd, SIGTERM);
        if (signals.wait() != SIGTERM) _exit(1);
        ask_for(fd, SIGINT);
        pause();
    });
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 128 + SIGINT);
}

TEST_CASE("a daemon may ask itself to stop") {
    const int status = in_child([](ShutdownSignals& signals, int) {
        signals.request_stop();
        _exit(signals.wait() == 0 && signals.token().stop_requested() ? 0 : 1);
    });
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

}  // namespace harmony::runtime::daemon
