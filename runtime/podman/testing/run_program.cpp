#include "run_program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string_view>
#include <thread>

extern char** environ;

namespace harmony::runtime::podman_testing {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kTermLimit = 5s;

pid_t spawn(const std::vector<std::string>& command, const std::string& containers_conf,
            posix_spawn_file_actions_t& actions) {
    std::vector<char*> argv;
    for (const std::string& word : command)
        argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    const std::string setting = "CONTAINERS_CONF=" + containers_conf;
    std::vector<char*> environment;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const bool replaced =
            !containers_conf.empty() && std::string_view(*entry).rfind("CONTAINERS_CONF=", 0) == 0;
        if (!replaced) environment.push_back(*entry);
    }
    if (!containers_conf.empty()) environment.push_back(const_cast<char*>(setting.c_str()));
    environment.push_back(nullptr);
    pid_t pid = 0;
    const int error = posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environment.data());
    return error == 0 ? pid : 0;
}

bool ended_within(pid_t pid, std::chrono::milliseconds limit, int& status) {
    const auto deadline = Clock::now() + limit;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (Clock::now() > deadline) return false;
        std::this_thread::sleep_for(5ms);
    }
    return true;
}

}  // namespace

ProgramResult run_program(const std::vector<std::string>& command, const std::string& containers_conf,
                          std::chrono::seconds limit) {
    int pipe_ends[2];
    if (pipe2(pipe_ends, O_CLOEXEC) != 0) return {};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], 1);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], 2);
    const pid_t pid = spawn(command, containers_conf, actions);
    posix_spawn_file_actions_destroy(&actions);
    close(pipe_ends[1]);
    ProgramResult result;
    const auto deadline = Clock::now() + limit;
    int status = 0;
    bool ended = pid == 0;
    // Until the process ends, not until the pipe closes: a container's monitor may keep the pipe open.
    while (!ended && Clock::now() < deadline) {
        ended = ended_within(pid, 0ms, status);
        pollfd readable{pipe_ends[0], POLLIN, 0};
        char buffer[4096];
        while (poll(&readable, 1, ended ? 0 : 20) > 0) {
            const ssize_t got = read(pipe_ends[0], buffer, sizeof buffer);
            if (got <= 0) break;
            result.output.append(buffer, static_cast<std::size_t>(got));
        }
        if (!ended) std::this_thread::sleep_for(2ms);
    }
    close(pipe_ends[0]);
    if (!ended) end_program(pid);
    if (pid != 0 && ended && WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
    return result;
}

pid_t start_program(const std::vector<std::string>& command, const std::string& containers_conf,
                    const std::string& log_path) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    const pid_t pid = spawn(command, containers_conf, actions);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

void end_program(pid_t pid) {
    if (pid == 0) return;
    int status = 0;
    kill(pid, SIGTERM);
    if (ended_within(pid, kTermLimit, status)) return;
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
}

}  // namespace harmony::runtime::podman_testing
