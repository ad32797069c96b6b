#include "unpack.hpp"

#include "file_io.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <harmony/host/json_text.hpp>
#include <harmony/host/plugin_file.hpp>

namespace harmony::host {
namespace {

constexpr int kTimeoutMs = 120000;
constexpr std::size_t kMaxMessage = 4096;

// Beside the plugins, as installed and in the build tree.
std::string program_path() {
    char path[4096];
    const auto length = ::readlink("/proc/self/exe", path, sizeof path);
    if (length <= 0) return {};
    const std::string executable(path, static_cast<std::size_t>(length));
    const auto folder = executable.substr(0, executable.rfind('/'));
    return folder.substr(0, folder.rfind('/')) + "/lib/harmony/harmony-unpack";
}

struct Child {
    pid_t pid = 0;
    FileDescriptor process;
    FileDescriptor errors;
};

Result<Child> start(const std::string& program, const std::string& archive, const std::string& folder) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return tl::unexpected(io_problem("No pipe", errno));
    Child child;
    child.errors = FileDescriptor(ends[0]);
    const FileDescriptor theirs(ends[1]);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, archive.c_str(), O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, theirs.get(), 2);
    std::string name = "harmony-unpack";
    std::string target = folder;
    char* const argv[] = {name.data(), target.data(), nullptr};
    char* const no_environment[] = {nullptr};
    const int error = ::posix_spawn(&child.pid, program.c_str(), &actions, nullptr, argv, no_environment);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) return tl::unexpected(io_problem(program + " can't be started on " + archive, error));
    child.process = FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0)));
    return child;
}

// True when it ended in time. It says one short line at most, which the pipe holds.
bool wait_for(const Child& child) {
    pollfd process{child.process.get(), POLLIN, 0};
    int ready = 0;
    do {
        ready = ::poll(&process, 1, kTimeoutMs);
    } while (ready < 0 && errno == EINTR);
    if (ready <= 0) ::kill(child.pid, SIGKILL);
    return ready > 0;
}

}  // namespace

Result<void> unpack_archive(const std::string& archive, const std::string& folder) {
    const auto program = program_path();
    auto child = start(program, archive, folder);
    if (!child) return tl::unexpected(child.error());
    const bool in_time = wait_for(*child);
    int status = 0;
    while (::waitpid(child->pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!in_time) {
        return refuse("plugin.archive-timeout",
                      archive + " was not unpacked within " + std::to_string(kTimeoutMs / 1000) + " s");
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    std::string message(kMaxMessage, '\0');
    const auto length = ::read(child->errors.get(), message.data(), message.size());
    message.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
    while (!message.empty() && message.back() == '\n')
        message.pop_back();
    if (message.empty()) message = "harmony-unpack died";
    return refuse("plugin.archive-invalid", archive + " can't be installed: " + printable(message, 500),
                  "A package is a .tar, .tar.gz, .tar.zst or .zip with harmony-<name>.so files.");
}

}  // namespace harmony::host
