#include "file_io.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <harmony/host/plugin_file.hpp>

namespace harmony::host {

Diagnostic io_problem(const std::string& what, int error) {
    return diagnostic("plugin.io", what + ": " + std::strerror(error));
}

Result<std::optional<std::string>> read_small_file(const std::string& path, std::size_t limit) {
    const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd) {
        if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
        return tl::unexpected(io_problem(path + " can't be opened", errno));
    }
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0)
        return tl::unexpected(io_problem(path + " can't be examined", errno));
    if (!S_ISREG(status.st_mode)) return refuse("plugin.io", path + " is not a regular file");
    const auto size = static_cast<std::size_t>(status.st_size);
    if (size > limit) {
        return refuse("plugin.io", path + " is too large: found " + std::to_string(size) +
                                       " bytes, expected at most " + std::to_string(limit));
    }
    std::string bytes(size, '\0');
    std::size_t used = 0;
    while (used < size) {
        const ssize_t got = ::read(fd.get(), bytes.data() + used, size - used);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return tl::unexpected(io_problem(path + " can't be read", errno));
        if (got == 0) break;
        used += static_cast<std::size_t>(got);
    }
    bytes.resize(used);
    return bytes;
}

Result<void> replace_file(const std::string& path, std::string_view bytes, unsigned mode, bool durable) {
    std::string temporary = path + ".XXXXXX";
    const FileDescriptor fd(::mkostemp(temporary.data(), O_CLOEXEC));
    if (!fd) return tl::unexpected(io_problem(path + " can't be created", errno));
    auto give_up = [&](const std::string& what) {
        const int error = errno;
        ::unlink(temporary.c_str());
        return tl::unexpected(io_problem(what, error));
    };
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd.get(), bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return give_up(path + " can't be written");
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fchmod(fd.get(), mode) != 0 || (durable && ::fsync(fd.get()) != 0) ||
        ::rename(temporary.c_str(), path.c_str()) != 0) {
        return give_up(path + " can't be replaced");
    }
    return {};
}

}  // namespace harmony::host
