#include "host/engine/context_lock.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "host/config/files.hpp"

namespace harmony::host {

Outcome<ContextLock> ContextLock::acquire(const std::string& state_folder, const std::string& what) {
    if (auto made = ensure_folders(state_folder); !made) return tl::unexpected(made.error());
    const std::string path = state_folder + "/lock";
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return failure("host.io", "cannot open " + path + ": " + std::strerror(errno));
    struct flock whole = {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (::fcntl(fd, F_OFD_SETLK, &whole) != 0) {
        char holder[256] = {};
        const auto length = ::pread(fd, holder, sizeof holder - 1, 0);
        ::close(fd);
        std::string who = length > 0 ? std::string(holder, static_cast<std::size_t>(length)) : "another run";
        if (const auto newline = who.find('\n'); newline != std::string::npos) who.resize(newline);
        return failure("run.locked", "this context is in use by " + who, "wait until it has finished");
    }
    const std::string holder =
        "harmony " + what + " (process " + std::to_string(::getpid()) + ", since " + timestamp_now() + ")\n";
    // Only the message names the holder, so a failed write costs nothing but that.
    if (::ftruncate(fd, 0) == 0) {
        [[maybe_unused]] const auto written = ::pwrite(fd, holder.data(), holder.size(), 0);
    }
    return ContextLock(fd);
}

bool ContextLock::held(const std::string& state_folder) {
    const int fd = ::open((state_folder + "/lock").c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    struct flock whole = {};
    whole.l_type = F_RDLCK;
    whole.l_whence = SEEK_SET;
    const bool taken = ::fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
    ::close(fd);
    return taken;
}

ContextLock::ContextLock(ContextLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

ContextLock::~ContextLock() {
    if (fd_ >= 0) ::close(fd_);
}

}  // namespace harmony::host
