#include "process_identity.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <functional>
#include <sstream>

#include "durable_file.hpp"

namespace harmony::local {
namespace {

namespace fs = std::filesystem;

fs::path proc(pid_t pid, const char* entry) {
    return fs::path("/proc") / std::to_string(pid) / entry;
}

std::string read_proc(const fs::path& file) {
    auto content = read_file(file, 1u << 20);
    return content && *content ? **content : std::string();
}

struct Stat {
    char state = 'X';
    pid_t session = 0;
    std::uint64_t start_time = 0;
};

std::optional<Stat> read_stat(pid_t pid) {
    const std::string text = read_proc(proc(pid, "stat"));
    // The name in parentheses may itself hold spaces and parentheses.
    const auto close = text.rfind(')');
    if (close == std::string::npos) return std::nullopt;
    std::istringstream fields(text.substr(close + 1));
    Stat stat;
    pid_t parent = 0;
    pid_t group = 0;
    fields >> stat.state >> parent >> group >> stat.session;
    std::string skipped;
    constexpr int kFieldsBetweenSessionAndStartTime = 15;
    for (int i = 0; i < kFieldsBetweenSessionAndStartTime; ++i)
        fields >> skipped;
    fields >> stat.start_time;
    if (!fields) return std::nullopt;
    return stat;
}

// Calls visit(pid, descriptor's path below /proc) until it returns false.
void for_each_descriptor(const std::function<bool(pid_t, const fs::path&)>& visit) {
    std::error_code ignored;
    for (fs::directory_iterator process("/proc", ignored), end; process != end; process.increment(ignored)) {
        const std::string name = process->path().filename().string();
        pid_t pid = 0;
        const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) continue;
        std::error_code unreadable;
        for (fs::directory_iterator fd(process->path() / "fd", unreadable); fd != end;
             fd.increment(unreadable)) {
            if (!visit(pid, fd->path())) return;
            if (unreadable) break;
        }
    }
}

struct flock whole_file() {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return lock;
}

}  // namespace

std::string boot_id() {
    std::string text = read_proc("/proc/sys/kernel/random/boot_id");
    while (!text.empty() && text.back() == '\n')
        text.pop_back();
    return text;
}

std::optional<ProcessIdentity> identify(pid_t pid) {
    const auto stat = read_stat(pid);
    if (!stat || stat->state == 'Z' || stat->state == 'X') return std::nullopt;
    return ProcessIdentity{pid, stat->start_time, boot_id()};
}

bool is_alive(const ProcessIdentity& identity) {
    return identity.pid > 0 && identify(identity.pid) == identity;
}

Descriptor watch_process(pid_t pid) {
    return Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

void send_signal(const Descriptor& process, int signal) {
    ::syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0);
}

std::string program_name(pid_t pid) {
    std::string text = read_proc(proc(pid, "comm"));
    while (!text.empty() && text.back() == '\n')
        text.pop_back();
    return text.empty() ? "unknown program" : text;
}

pid_t session_of(pid_t pid) {
    const auto stat = read_stat(pid);
    return stat ? stat->session : 0;
}

bool runs_program(pid_t pid, const fs::path& program) {
    std::error_code unreadable;
    if (fs::read_symlink(proc(pid, "exe"), unreadable) == fs::weakly_canonical(program, unreadable))
        return true;
    std::istringstream words(read_proc(proc(pid, "cmdline")));
    std::string word;
    for (int i = 0; i < 3 && std::getline(words, word, '\0'); ++i) {
        if (word == program.string()) return true;
    }
    return false;
}

std::vector<ProcessIdentity> processes_with_open(const fs::path& file) {
    struct stat wanted {};
    std::vector<ProcessIdentity> found;
    if (::stat(file.c_str(), &wanted) != 0) return found;
    for_each_descriptor([&](pid_t pid, const fs::path& descriptor) {
        struct stat open {};
        if (::stat(descriptor.c_str(), &open) == 0 && open.st_dev == wanted.st_dev &&
            open.st_ino == wanted.st_ino && pid != ::getpid()) {
            const auto identity = identify(pid);
            if (identity && (found.empty() || found.back().pid != pid)) found.push_back(*identity);
        }
        return true;
    });
    std::sort(found.begin(), found.end(),
              [](const auto& a, const auto& b) { return a.start_time < b.start_time; });
    return found;
}

std::optional<pid_t> process_with_descriptor(const std::string& target) {
    std::optional<pid_t> found;
    for_each_descriptor([&](pid_t pid, const fs::path& descriptor) {
        std::error_code unreadable;
        if (fs::read_symlink(descriptor, unreadable) == target) found = pid;
        return !found;
    });
    return found;
}

Outcome<std::optional<Descriptor>> try_lock(const fs::path& file) {
    Descriptor fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd) return system_problem("open the lock " + file.string(), errno);
    struct flock lock = whole_file();
    if (::fcntl(fd.get(), F_OFD_SETLK, &lock) == 0) return std::optional<Descriptor>(std::move(fd));
    if (errno == EAGAIN || errno == EACCES) return std::optional<Descriptor>{};
    return system_problem("lock " + file.string(), errno);
}

bool is_locked(const fs::path& file) {
    const Descriptor fd(::open(file.c_str(), O_RDWR | O_CLOEXEC));
    if (!fd) return false;
    struct flock lock = whole_file();
    return ::fcntl(fd.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace harmony::local
