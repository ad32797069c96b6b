#include <harmony/host/runner_main.hpp>

#include "runner_session.hpp"
#include "spawn.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace harmony::host {
namespace {

void do_nothing(int) {}

// Handlers rather than SIG_IGN, which programs that the plugin starts would inherit.
void set_signals() {
    struct sigaction action {};
    action.sa_handler = &do_nothing;
    action.sa_flags = SA_RESTART;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(SIGINT, &action, nullptr);   // the host decides what a Ctrl-C means
    ::sigaction(SIGPIPE, &action, nullptr);  // a closed connection is an error, not the end
}

void forbid_core_dumps() {
    // 1 byte, not 0: the kernel starts a core_pattern program whatever the limit is, unless it is 1
    // (core(5)). The hard limit stays, so that daemons which outlive the runner may raise theirs again.
    struct rlimit limit {};
    if (::getrlimit(RLIMIT_CORE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max < 1 ? limit.rlim_max : 1;
    ::setrlimit(RLIMIT_CORE, &limit);
}

}  // namespace

int runner_main(int argc, char** argv) {
    if (argc != 3) {
        std::fputs("harmony starts this itself, for each plugin\n", stderr);
        return 2;
    }
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // The host may have died before that took effect.
    if (::getppid() != std::atoi(argv[2])) return 0;
    set_signals();
    forbid_core_dumps();
    ::close_range(kRunnerFirstFreeFd, ~0U, 0);
    // Programs that the plugin starts get neither.
    ::fcntl(kRunnerSocketFd, F_SETFD, FD_CLOEXEC);
    ::fcntl(kRunnerPluginFd, F_SETFD, FD_CLOEXEC);
    return RunnerSession(kRunnerSocketFd).run();
}

}  // namespace harmony::host
