#include "harmony/daemon/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace harmony::runtime::daemon {
namespace {

class Descriptor {
 public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() { reset(); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] bool valid() const { return fd_ >= 0; }
    // Closing may report a write that failed late.
    bool reset() {
        const int fd = std::exchange(fd_, -1);
        return fd < 0 || close(fd) == 0;
    }

 private:
    int fd_;
};

Error os_error(const std::string& path, std::string_view what, int number) {
    ErrorKind kind = ErrorKind::Io;
    if (number == ENOENT || number == ENOTDIR) kind = ErrorKind::NotFound;
    if (number == EACCES || number == EPERM) kind = ErrorKind::PermissionDenied;
    return {kind, path + ": " + std::string(what) + ": " + std::strerror(number)};
}

std::string directory_of(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> sync_directory(const std::string& path) {
    const std::string directory = directory_of(path);
    const Descriptor fd(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.valid() || fsync(fd.get()) != 0) return fail(os_error(directory, "sync", errno));
    return {};
}

Result<void> write_all(int fd, std::string_view content, const std::string& path) {
    while (!content.empty()) {
        const ssize_t written = write(fd, content.data(), content.size());
        if (written < 0) {
            if (errno == EINTR) continue;
            return fail(os_error(path, "write", errno));
        }
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Result<void> fill_temporary(const std::string& temporary, std::string_view content, mode_t mode,
                            Descriptor& fd) {
    // The mode of open() is narrowed by the umask; this one is what was asked for.
    if (fchmod(fd.get(), mode) != 0) return fail(os_error(temporary, "set mode", errno));
    if (auto written = write_all(fd.get(), content, temporary); !written) return written;
    if (fsync(fd.get()) != 0 || !fd.reset()) return fail(os_error(temporary, "sync", errno));
    return {};
}

Result<std::string> read_descriptor(int fd, const std::string& path, const struct stat& status,
                                    std::size_t max_bytes) {
    if (!S_ISREG(status.st_mode)) return fail(ErrorKind::InvalidInput, path + ": found no regular file");
    std::string content;
    char buffer[16 * 1024];
    while (true) {
        const ssize_t got = read(fd, buffer, sizeof buffer);
        if (got < 0) {
            if (errno == EINTR) continue;
            return fail(os_error(path, "read", errno));
        }
        if (got == 0) return content;
        content.append(buffer, static_cast<std::size_t>(got));
        if (content.size() > max_bytes) {
            return fail(ErrorKind::InvalidInput, path + ": found more than the " + std::to_string(max_bytes) +
                                                     " bytes expected at most");
        }
    }
}

std::string octal(mode_t mode) {
    char text[8];
    std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode & 07777U));
    return text;
}

// For its owner alone. Or root's, and this user, who is not root, reads it through its group: that is how a
// pod gets its Secrets.
bool guarded(const struct stat& status) {
    if ((status.st_mode & 077U) == 0) return true;
    return geteuid() != 0 && status.st_uid == 0 && (status.st_mode & 037U) == 0;
}

Result<std::string> open_and_read(const std::string& path, std::size_t max_bytes, bool secret) {
    // Non-blocking, so that a named pipe in the file's place can't hang the daemon.
    const Descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd.valid()) return fail(os_error(path, "open", errno));
    struct stat status {};
    if (fstat(fd.get(), &status) != 0) return fail(os_error(path, "look at", errno));
    if (secret && !guarded(status)) {
        return fail(ErrorKind::PermissionDenied,
                    path + ": found mode " + octal(status.st_mode) +
                        ", expected 0600: others must have no right to a secret");
    }
    if (secret && status.st_uid != geteuid() && status.st_uid != 0) {
        return fail(ErrorKind::PermissionDenied, path + ": found owner " + std::to_string(status.st_uid) +
                                                     ", expected " + std::to_string(geteuid()) + " or root");
    }
    return read_descriptor(fd.get(), path, status, max_bytes);
}

}  // namespace

Result<void> write_file_durably(const std::string& path, std::string_view content, mode_t mode) {
    std::string temporary = path + ".XXXXXX";
    Descriptor fd(mkostemp(temporary.data(), O_CLOEXEC));  // made with mode 0600
    if (!fd.valid()) return fail(os_error(path, "create a file beside it", errno));
    auto filled = fill_temporary(temporary, content, mode, fd);
    if (filled && rename(temporary.c_str(), path.c_str()) != 0)
        filled = fail(os_error(path, "replace", errno));
    if (!filled) {
        unlink(temporary.c_str());
        return filled;
    }
    return sync_directory(path);
}

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
    return open_and_read(path, max_bytes, false);
}

Result<std::string> read_secret_file(const std::string& path, std::size_t max_bytes) {
    return open_and_read(path, max_bytes, true);
}

Result<void> remove_file_durably(const std::string& path) {
    if (unlink(path.c_str()) != 0) {
        if (errno == ENOENT) return {};
        return fail(os_error(path, "remove", errno));
    }
    return sync_directory(path);
}

Result<void> make_directories(const std::string& path, mode_t mode) {
    for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
        const std::string part = path.substr(0, slash);
        if (mkdir(part.c_str(), mode) != 0 && errno != EEXIST)
            return fail(os_error(part, "make directory", errno));
        if (slash == std::string::npos) break;
    }
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) return fail(os_error(path, "look at", errno));
    if (!S_ISDIR(status.st_mode))
        return fail(ErrorKind::AlreadyExists, path + ": found a file, expected a directory");
    return {};
}

}  // namespace harmony::runtime::daemon
