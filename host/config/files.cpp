#include "host/config/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <filesystem>

namespace harmony::host {
namespace {

constexpr std::size_t kMaxFile = 16UL * 1024 * 1024;

tl::unexpected<Problem> io_problem(const std::string& what, const std::string& path) {
    return failure("host.io", what + " " + path + ": " + std::strerror(errno));
}

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

void sync_folder(const std::string& folder) {
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    ::fsync(fd);
    ::close(fd);
}

}  // namespace

Outcome<std::optional<std::string>> read_file(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        if (errno == ENOENT || errno == ENOTDIR) return std::optional<std::string>();
        return io_problem("cannot read", path);
    }
    std::string bytes;
    char buffer[65536];
    for (;;) {
        const auto count = ::read(fd, buffer, sizeof buffer);
        if (count < 0 && errno == EINTR) continue;
        if (count == 0) break;
        if (count < 0 || bytes.size() + static_cast<std::size_t>(count) > kMaxFile) {
            if (count > 0) errno = EFBIG;
            auto problem = io_problem("cannot read", path);
            ::close(fd);
            return problem;
        }
        bytes.append(buffer, static_cast<std::size_t>(count));
    }
    ::close(fd);
    return std::optional<std::string>(std::move(bytes));
}

namespace {

Outcome<void> make_folders(const std::string& path, mode_t mode) {
    std::string partial;
    for (const auto& part : std::filesystem::path(path)) {
        partial = partial.empty() ? part.string() : (std::filesystem::path(partial) / part).string();
        if (partial.empty() || partial == "/") continue;
        if (::mkdir(partial.c_str(), mode) != 0 && errno != EEXIST)
            return io_problem("cannot make the folder", partial);
    }
    return {};
}

Outcome<void> replace_file(const std::string& path, std::string_view bytes, mode_t mode, mode_t folders) {
    const std::string folder = std::filesystem::path(path).parent_path().string();
    if (!folder.empty()) {
        if (auto made = make_folders(folder, folders); !made) return made;
    }
    const std::string staged = path + ".new";
    const int fd = ::open(staged.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0) return io_problem("cannot write", staged);
    const bool written = write_all(fd, bytes) && ::fsync(fd) == 0;
    const int saved = errno;
    ::close(fd);
    errno = saved;
    if (!written || ::rename(staged.c_str(), path.c_str()) != 0) {
        auto problem = io_problem("cannot write", path);
        ::unlink(staged.c_str());
        return problem;
    }
    sync_folder(folder.empty() ? "." : folder);
    return {};
}

}  // namespace

Outcome<void> ensure_folders(const std::string& path) {
    return make_folders(path, 0700);
}

Outcome<void> write_file(const std::string& path, std::string_view bytes) {
    return replace_file(path, bytes, 0600, 0700);
}

Outcome<void> write_public_file(const std::string& path, std::string_view bytes) {
    return replace_file(path, bytes, 0666, 0777);
}

std::string timestamp_now() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    char text[32];
    const auto length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return {text, length};
}

std::optional<long> seconds_since(const std::string& timestamp) {
    std::tm parts{};
    const char* end = strptime(timestamp.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    if (end == nullptr || *end != '\0') return std::nullopt;
    return static_cast<long>(std::time(nullptr) - timegm(&parts));
}

}  // namespace harmony::host
