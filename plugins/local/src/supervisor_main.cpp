// harmony-local-supervisor: keeps the daemons of one local context alive. Started by the topology, not by
// hand.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string_view>

#include "process_identity.hpp"
#include "supervisor.hpp"

namespace {

using harmony::local::ContextFolders;
using harmony::local::Descriptor;
using harmony::local::Outcome;
using harmony::local::Supervisor;

int complain(const harmony::local::Problem& problem) {
    std::fprintf(stderr, "harmony-local-supervisor: %s\n", problem.summary.c_str());
    return 1;
}

// Parent: waits for nothing, since the socket already listens, and reports success. Child: alone in its
// session, with nothing of its starter's terminal or pipes.
Outcome<void> detach(const ContextFolders& context) {
    const pid_t pid = ::fork();
    if (pid < 0) return harmony::local::system_problem("start a process", errno);
    if (pid > 0) ::_exit(0);
    ::setsid();
    const Descriptor input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const Descriptor log(
        ::open(context.supervisor_log().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (!input || !log)
        return harmony::local::system_problem("open " + context.supervisor_log().string(), errno);
    if (::dup2(input.get(), 0) < 0 || ::dup2(log.get(), 1) < 0 || ::dup2(log.get(), 2) < 0) {
        return harmony::local::system_problem("leave the terminal", errno);
    }
    return {};
}

int run(const ContextFolders& context, bool foreground) {
    ::umask(077);
    if (auto created = context.create(); !created) return complain(created.error());
    auto lock = harmony::local::try_lock(context.supervisor_lock());
    if (!lock) return complain(lock.error());
    // One of them is enough, and it serves whoever wanted to start this one.
    if (!*lock) return 0;
    auto listener = Supervisor::listen(context);
    if (!listener) return complain(listener.error());
    if (!foreground) {
        if (auto detached = detach(context); !detached) return complain(detached.error());
    }
    if (::chdir("/") != 0) return complain(harmony::local::system_problem("enter /", errno).value());
    Supervisor supervisor(context, std::move(*listener));
    auto served = supervisor.run();
    return served ? 0 : complain(served.error());
}

}  // namespace

int main(int argc, char** argv) {
    // Nothing but the standard streams belongs here: a pipe of the starter kept open would keep it waiting.
    ::close_range(3, ~0U, 0);
    const bool foreground = argc == 4 && std::string_view(argv[3]) == "--foreground";
    if (argc == 2 && std::string_view(argv[1]) == "--version") {
        std::puts("harmony-local-supervisor " HARMONY_VERSION);
        return 0;
    }
    if ((argc != 3 && !foreground) || std::string_view(argv[1]) != "--state-dir" || argv[2][0] != '/') {
        std::fputs("usage: harmony-local-supervisor --state-dir /ABSOLUTE/FOLDER [--foreground]\n", stderr);
        return 2;
    }
    try {
        return run(ContextFolders(argv[2]), foreground);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "harmony-local-supervisor: internal error: %s\n", error.what());
        return 1;
    }
}
