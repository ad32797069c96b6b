#include "child_program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "descriptor.hpp"

namespace harmony::local {
namespace {

constexpr std::size_t kLongestOutput = 16u << 20;
using Clock = std::chrono::steady_clock;

struct Pipe {
    Descriptor reading;
    Descriptor writing;
};

Outcome<Pipe> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_problem("create a pipe", errno);
    return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

std::vector<std::string> environment_with(const std::map<std::string, std::string>& env) {
    std::vector<std::string> entries;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string text = *entry;
        if (env.count(text.substr(0, text.find('='))) == 0) entries.push_back(text);
    }
    for (const auto& [name, value] : env)
        entries.push_back(name + "=" + value);
    return entries;
}

Outcome<pid_t> spawn(const std::vector<std::string>& argv, const std::map<std::string, std::string>& env,
                     int out, int err) {
    std::vector<std::string> words = argv;
    std::vector<std::string> entries = environment_with(env);
    std::vector<char*> args;
    for (auto& word : words)
        args.push_back(word.data());
    args.push_back(nullptr);
    std::vector<char*> envp;
    for (auto& entry : entries)
        envp.push_back(entry.data());
    envp.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, out, 1);
    ::posix_spawn_file_actions_adddup2(&actions, err, 2);
    pid_t pid = 0;
    const int error = ::posix_spawn(&pid, argv.front().c_str(), &actions, nullptr, args.data(), envp.data());
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) return system_problem("run " + argv.front(), error);
    return pid;
}

// False when the time is over before both ends were closed by the program.
bool collect(Pipe& out, Pipe& err, ProgramResult& result, Clock::time_point deadline) {
    struct Stream {
        Descriptor* fd;
        std::string* text;
    };
    std::array<Stream, 2> streams{{{&out.reading, &result.output}, {&err.reading, &result.errors}}};
    while (out.reading || err.reading) {
        std::array<pollfd, 2> polled{{{out.reading.get(), POLLIN, 0}, {err.reading.get(), POLLIN, 0}}};
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0) return false;
        if (::poll(polled.data(), polled.size(), static_cast<int>(left)) < 0 && errno != EINTR) return false;
        for (std::size_t i = 0; i < streams.size(); ++i) {
            if (polled[i].revents == 0) continue;
            std::array<char, 16384> buffer{};
            const ssize_t count = ::read(streams[i].fd->get(), buffer.data(), buffer.size());
            if (count <= 0 && !(count < 0 && errno == EINTR)) {
                streams[i].fd->reset();
            } else if (count > 0 && streams[i].text->size() < kLongestOutput) {
                streams[i].text->append(buffer.data(), static_cast<std::size_t>(count));
            }
        }
    }
    return true;
}

}  // namespace

Outcome<ProgramResult> run_program(const std::vector<std::string>& argv,
                                   const std::map<std::string, std::string>& env,
                                   std::chrono::milliseconds timeout) {
    auto out = make_pipe();
    auto err = make_pipe();
    if (!out) return pass_on(out.error());
    if (!err) return pass_on(err.error());
    auto pid = spawn(argv, env, out->writing.get(), err->writing.get());
    if (!pid) return pass_on(pid.error());
    out->writing.reset();
    err->writing.reset();
    ProgramResult result;
    const bool in_time = collect(*out, *err, result, Clock::now() + timeout);
    if (!in_time) ::kill(*pid, SIGKILL);
    int status = 0;
    while (::waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!in_time) {
        return problem("local.program-timeout", argv.front() + " did not end within " +
                                                    std::to_string(timeout.count()) + " ms and was killed");
    }
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return result;
}

}  // namespace harmony::local
