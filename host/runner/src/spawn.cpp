#include "spawn.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <harmony/host/runner_main.hpp>

namespace harmony::host {
namespace {

tl::unexpected<Diagnostic> problem(const std::string& what, int error) {
    return refuse("plugin.runner-start", what + ": " + std::strerror(error));
}

struct FileActions {
    posix_spawn_file_actions_t value;
    FileActions() { ::posix_spawn_file_actions_init(&value); }
    ~FileActions() { ::posix_spawn_file_actions_destroy(&value); }
    FileActions(const FileActions&) = delete;
    FileActions& operator=(const FileActions&) = delete;
};

struct Attributes {
    posix_spawnattr_t value;
    Attributes() {
        ::posix_spawnattr_init(&value);
        sigset_t none;
        sigset_t all;
        ::sigemptyset(&none);
        ::sigfillset(&all);
        ::posix_spawnattr_setsigmask(&value, &none);
        ::posix_spawnattr_setsigdefault(&value, &all);
        ::posix_spawnattr_setpgroup(&value, 0);
        ::posix_spawnattr_setflags(&value,
                                   POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    }
    ~Attributes() { ::posix_spawnattr_destroy(&value); }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
};

// dup2() onto descriptors 1 to 4 must not run into the ones that are still to be copied.
Result<FileDescriptor> above_the_runners(int fd) {
    FileDescriptor copy(::fcntl(fd, F_DUPFD_CLOEXEC, 10));
    if (!copy) return problem("A descriptor can't be copied", errno);
    return copy;
}

}  // namespace

Result<SpawnedRunner> spawn_runner(const std::string& executable, int plugin_fd) {
    int sockets[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
        return problem("No socket pair", errno);
    SpawnedRunner runner;
    runner.socket = FileDescriptor(sockets[0]);
    const FileDescriptor their_socket(sockets[1]);
    int pipes[2];
    if (::pipe2(pipes, O_CLOEXEC) != 0) return problem("No pipe", errno);
    runner.output = FileDescriptor(pipes[0]);
    const FileDescriptor their_output(pipes[1]);
    ::fcntl(runner.socket.get(), F_SETFL, O_NONBLOCK);
    ::fcntl(runner.output.get(), F_SETFL, O_NONBLOCK);

    const auto socket = above_the_runners(their_socket.get());
    const auto output = above_the_runners(their_output.get());
    const auto plugin = above_the_runners(plugin_fd);
    for (const auto* copy : {&socket, &output, &plugin}) {
        if (!*copy) return tl::unexpected(copy->error());
    }
    FileActions actions;
    ::posix_spawn_file_actions_addopen(&actions.value, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions.value, output->get(), 1);
    ::posix_spawn_file_actions_adddup2(&actions.value, output->get(), 2);
    ::posix_spawn_file_actions_adddup2(&actions.value, socket->get(), kRunnerSocketFd);
    ::posix_spawn_file_actions_adddup2(&actions.value, plugin->get(), kRunnerPluginFd);
    const Attributes attributes;
    std::string name = "harmony";
    std::string argument = kRunnerArgument;
    std::string parent = std::to_string(::getpid());
    char* const argv[] = {name.data(), argument.data(), parent.data(), nullptr};
    const int error =
        ::posix_spawn(&runner.pid, executable.c_str(), &actions.value, &attributes.value, argv, environ);
    if (error != 0) return problem("The runner process " + executable + " can't be started", error);
    runner.process = FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, runner.pid, 0)));
    if (!runner.process) {
        const int reason = errno;
        ::kill(runner.pid, SIGKILL);
        ::waitpid(runner.pid, nullptr, 0);
        return problem("The runner process can't be watched", reason);
    }
    return runner;
}

}  // namespace harmony::host
