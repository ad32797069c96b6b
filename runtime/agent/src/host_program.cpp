#include "harmony/agent/host_program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "harmony/podman/process_tree.hpp"

namespace harmony::agent {

namespace podman = runtime::podman;

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kKillPatience{2'000};
constexpr const char* kSearchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

class Descriptor {
 public:
    explicit Descriptor(int fd = -1) : fd_(fd) {}
    ~Descriptor() { reset(); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int get() const { return fd_; }
    void reset(int fd = -1) {
        if (fd_ >= 0) close(fd_);
        fd_ = fd;
    }

 private:
    int fd_;
};

struct Pipe {
    Descriptor read_end;
    Descriptor write_end;

    [[nodiscard]] bool make() {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) return false;
        read_end.reset(ends[0]);
        write_end.reset(ends[1]);
        return fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0;
    }
};

std::vector<std::string> environment() {
    std::vector<std::string> entries{std::string("PATH=") + kSearchPath, "LANG=C.UTF-8"};
    passwd record{};
    passwd* found = nullptr;
    char buffer[4096];
    if (getpwuid_r(geteuid(), &record, buffer, sizeof buffer, &found) == 0 && found != nullptr) {
        entries.push_back(std::string("HOME=") + record.pw_dir);
        entries.push_back(std::string("USER=") + record.pw_name);
    }
    return entries;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (const std::string& text : texts)
        result.push_back(const_cast<char*>(text.c_str()));
    result.push_back(nullptr);
    return result;
}

// 0 or an error number.
int spawn(const std::vector<std::string>& argv, const Pipe& out, const Pipe& err, pid_t& pid) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out.write_end.get(), 1);
    posix_spawn_file_actions_adddup2(&actions, err.write_end.get(), 2);
    // The broker's socket and whatever else is open stay with the agent.
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawn_file_actions_addchdir_np(&actions, "/");
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    const auto texts = environment();
    auto arguments = pointers(argv);
    auto variables = pointers(texts);
    const int error =
        posix_spawnp(&pid, arguments[0], &actions, &attributes, arguments.data(), variables.data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

// Takes what is there. False: the other side has closed it.
bool drain(Descriptor& from, std::string& kept, const podman::ExecSpec& spec, bool& truncated) {
    char buffer[16 * 1024];
    for (;;) {
        const ssize_t got = read(from.get(), buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno == EAGAIN;
        if (got == 0) return false;
        const auto bytes = static_cast<std::size_t>(got);
        const std::size_t room = spec.max_stream_bytes - std::min(spec.max_stream_bytes, kept.size());
        truncated = truncated || bytes > room;
        kept.append(buffer, std::min(bytes, room));
    }
}

class RunningProgram {
 public:
    RunningProgram(const podman::ExecSpec& spec, Pipe& out, Pipe& err, pid_t pid)
        : spec_(spec),
          out_(out),
          err_(err),
          pid_(pid),
          process_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {}
    ~RunningProgram() { (void)reap(WNOHANG); }
    RunningProgram(const RunningProgram&) = delete;
    RunningProgram& operator=(const RunningProgram&) = delete;

    // True once it has ended; its streams may still be held open by what it left behind.
    bool watch(Clock::time_point until, int wake) {
        for (;;) {
            const auto left = std::chrono::ceil<milliseconds>(until - Clock::now()).count();
            if (left <= 0) return false;
            pollfd set[4] = {{out_.read_end.get(), POLLIN, 0},
                             {err_.read_end.get(), POLLIN, 0},
                             {process_.get(), POLLIN, 0},
                             {wake, POLLIN, 0}};
            if (poll(set, 4, static_cast<int>(std::min<std::int64_t>(left, 1'000))) < 0) continue;
            collect();
            if (set[3].revents != 0) return false;
            if (reap(WNOHANG)) {
                collect();
                return true;
            }
        }
    }

    // True when nothing of it is left.
    bool kill_all() {
        const bool killed = podman::kill_session(pid_, kKillPatience);
        if (reap(WNOHANG)) return killed;
        kill(pid_, SIGKILL);
        // A program that has become another user's, or waits in the kernel, may not end.
        pollfd ended{process_.get(), POLLIN, 0};
        (void)poll(&ended, 1, static_cast<int>(kKillPatience.count()));
        return reap(WNOHANG) && killed;
    }

    podman::ExecOutcome take() {
        outcome_.exit_code = WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
        return std::move(outcome_);
    }

 private:
    bool reap(int flags) {
        if (reaped_) return true;
        pid_t got = 0;
        do {
            got = waitpid(pid_, &status_, flags);
        } while (got < 0 && errno == EINTR);
        reaped_ = got == pid_ || got < 0;
        return reaped_;
    }

    void collect() {
        if (out_.read_end.get() >= 0 &&
            !drain(out_.read_end, outcome_.standard_output, spec_, outcome_.truncated)) {
            out_.read_end.reset();
        }
        if (err_.read_end.get() >= 0 &&
            !drain(err_.read_end, outcome_.standard_error, spec_, outcome_.truncated)) {
            err_.read_end.reset();
        }
    }

    const podman::ExecSpec& spec_;
    Pipe& out_;
    Pipe& err_;
    const pid_t pid_;
    const Descriptor process_;
    bool reaped_ = false;
    int status_ = 0;
    podman::ExecOutcome outcome_;
};

tl::unexpected<Error> not_started(const std::string& program, int number) {
    ErrorKind kind = ErrorKind::Io;
    if (number == ENOENT || number == ENOTDIR) kind = ErrorKind::NotFound;
    if (number == EACCES || number == EPERM || number == ENOEXEC) kind = ErrorKind::PermissionDenied;
    if (number == E2BIG) kind = ErrorKind::InvalidInput;
    return fail(kind, program + ": " + std::strerror(number));
}

}  // namespace

Result<podman::ExecOutcome> run_on_host(const podman::ExecSpec& spec, const std::stop_token& stop) {
    const auto until = Clock::now() + spec.timeout;
    const Descriptor wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    Pipe out;
    Pipe err;
    if (wake.get() < 0 || !out.make() || !err.make()) return not_started("pipe", errno);
    pid_t pid = 0;
    if (const int error = spawn(spec.argv, out, err, pid); error != 0) {
        return not_started(spec.argv.at(0), error);
    }
    out.write_end.reset();
    err.write_end.reset();
    RunningProgram program(spec, out, err, pid);
    const std::stop_callback on_stop(stop, [&] { (void)eventfd_write(wake.get(), 1); });
    if (program.watch(until, wake.get())) return program.take();
    const std::string state =
        program.kill_all() ? " and was killed" : "; it could not be killed and may still run";
    if (stop.stop_requested())
        return fail(ErrorKind::Cancelled, "the agent stops: the command was interrupted" + state);
    return fail(ErrorKind::Timeout, "the command did not end within " +
                                        std::to_string(spec.timeout.count() / 1000) + " s" + state);
}

}  // namespace harmony::agent
