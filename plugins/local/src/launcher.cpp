#include "launcher.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "durable_file.hpp"

namespace harmony::local {
namespace {

// A daemon sees a small, known environment: what the user's shell or the host's secrets put there is not its
// business. These are what programs need to find their user, their programs, their network and their podman.
constexpr std::array<const char*, 22> kInherited{"PATH",
                                                 "HOME",
                                                 "USER",
                                                 "LOGNAME",
                                                 "SHELL",
                                                 "LANG",
                                                 "LC_ALL",
                                                 "TZ",
                                                 "TMPDIR",
                                                 "XDG_RUNTIME_DIR",
                                                 "XDG_DATA_HOME",
                                                 "XDG_CONFIG_HOME",
                                                 "DBUS_SESSION_BUS_ADDRESS",
                                                 "HTTP_PROXY",
                                                 "HTTPS_PROXY",
                                                 "NO_PROXY",
                                                 "http_proxy",
                                                 "https_proxy",
                                                 "no_proxy",
                                                 "SSL_CERT_FILE",
                                                 "SSL_CERT_DIR",
                                                 "LD_LIBRARY_PATH"};

[[noreturn]] void give_up(int report, const std::string& message) {
    // The parent reads the message from the pipe; there is nobody else to tell.
    [[maybe_unused]] const ssize_t told = ::write(report, message.data(), message.size());
    ::_exit(127);
}

void reset_signals() {
    for (int number = 1; number < 32; ++number)
        ::signal(number, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void connect_standard_streams(const DaemonFolders& folders, int report) {
    const int input = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    const int log = ::open(folders.log().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (input < 0 || log < 0 || ::dup2(input, 0) < 0 || ::dup2(log, 1) < 0 || ::dup2(log, 2) < 0) {
        give_up(report, system_problem("open the log " + folders.log().string(), errno).value().summary);
    }
}

// The lock stays with the process and whatever it starts; see find_running().
void hold_lock(const DaemonFolders& folders, int report) {
    static Descriptor held;
    auto lock = try_lock(folders.lock());
    if (!lock) give_up(report, lock.error().summary);
    if (!*lock) give_up(report, "another process holds " + folders.lock().string());
    held = std::move(**lock);
    ::fcntl(held.get(), F_SETFD, 0);
}

void record_run(const LaunchOrder& order, int report) {
    const auto self = identify(::getpid());
    if (!self) give_up(report, "cannot read /proc");
    const RunRecord run{*self, order.spec_hash, program_identity(order.program_path), timestamp_now()};
    if (auto saved = save_run(order.folders, run); !saved) give_up(report, saved.error().summary);
}

[[noreturn]] void become_program(const LaunchOrder& order, int report) {
    std::vector<std::string> environment;
    for (const char* name : kInherited) {
        const char* value = std::getenv(name);
        if (value != nullptr && order.env.count(name) == 0)
            environment.push_back(std::string(name) + "=" + value);
    }
    for (const auto& [name, value] : order.env)
        environment.push_back(name + "=" + value);
    std::vector<char*> argv{const_cast<char*>(order.program_path.c_str())};
    for (const auto& arg : order.args)
        argv.push_back(const_cast<char*>(arg.c_str()));
    argv.push_back(nullptr);
    std::vector<char*> envp;
    for (auto& entry : environment)
        envp.push_back(entry.data());
    envp.push_back(nullptr);
    ::execve(order.program_path.c_str(), argv.data(), envp.data());
    give_up(report, system_problem("run " + order.program_path, errno).value().summary);
}

[[noreturn]] void run_child(const LaunchOrder& order, int report) {
    ::setsid();
    reset_signals();
    ::umask(077);
    // Everything that belongs to the supervisor ends at exec, whoever opened it and however.
    ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    connect_standard_streams(order.folders, report);
    hold_lock(order.folders, report);
    if (::chdir(order.folders.data().c_str()) != 0) {
        give_up(report, system_problem("enter " + order.folders.data().string(), errno).value().summary);
    }
    record_run(order, report);
    become_program(order, report);
}

std::string read_report(int fd) {
    std::string text;
    std::array<char, 512> buffer{};
    for (;;) {
        const ssize_t count = ::read(fd, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(count));
    }
}

}  // namespace

Outcome<Launched> launch(const LaunchOrder& order) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_problem("create a pipe", errno);
    const Descriptor reading(ends[0]);
    Descriptor writing(ends[1]);
    const pid_t pid = ::fork();
    if (pid < 0) return system_problem("start a process", errno);
    if (pid == 0) run_child(order, writing.get());
    writing.reset();
    const std::string report = read_report(reading.get());
    if (!report.empty()) {
        ::waitpid(pid, nullptr, 0);
        return problem("process-host.launch-failed", "cannot start " + order.program_path + ": " + report);
    }
    Launched launched{pid, watch_process(pid)};
    if (!launched.pidfd) {
        const int error = errno;
        ::kill(-pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
        return system_problem("watch process " + std::to_string(pid), error);
    }
    return launched;
}

void clear_leftovers(const DaemonFolders& folders, pid_t former_pid) {
    if (!is_locked(folders.lock())) return;
    if (former_pid == 0) {
        // A session keeps its number for as long as it has a member, so within one boot the record is enough.
        const auto run = load_run(folders);
        if (run && run->process.boot_id == boot_id()) former_pid = run->process.pid;
    }
    bool foreign = false;
    for (const auto& process : processes_with_open(folders.lock())) {
        if (former_pid > 0 && session_of(process.pid) == former_pid) {
            ::kill(process.pid, SIGKILL);
        } else {
            foreign = true;
        }
    }
    if (foreign) ::unlink(folders.lock().c_str());
}

}  // namespace harmony::local
