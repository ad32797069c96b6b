#include "harmony/agent/audit_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

namespace harmony::agent {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxArgumentBytes = 1024;
constexpr std::size_t kMaxArguments = 64;
constexpr std::size_t kMaxReasonBytes = 1024;

class OpenFile {
 public:
    OpenFile(const std::string& path, int flags) : fd_(open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
    ~OpenFile() {
        if (fd_ >= 0) close(fd_);
    }
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    [[nodiscard]] int get() const { return fd_; }

 private:
    const int fd_;
};

std::string cut(const std::string& text, std::size_t max_bytes) {
    return text.size() <= max_bytes ? text : text.substr(0, max_bytes) + "...";
}

std::string_view name_of(AuditEvent event) {
    switch (event) {
        case AuditEvent::Refused:
            return "Refused";
        case AuditEvent::Started:
            return "Started";
        case AuditEvent::Ended:
            return "Ended";
        case AuditEvent::Failed:
            return "Failed";
    }
    return "";
}

tl::unexpected<Error> refused(const std::string& path, const char* what) {
    const int number = errno;
    const auto kind = number == EACCES || number == EPERM ? ErrorKind::PermissionDenied : ErrorKind::Io;
    return fail(kind, path + ": " + what + ": " + std::strerror(number));
}

Result<void> sync_folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    const OpenFile folder(slash == std::string::npos ? "." : path.substr(0, slash + 1),
                          O_RDONLY | O_DIRECTORY);
    if (folder.get() < 0 || fsync(folder.get()) != 0) return refused(path, "sync its folder");
    return {};
}

// A line that a power cut has torn must not swallow the next one.
bool ends_torn(const OpenFile& file, off_t size) {
    char last = '\n';
    return size > 0 && pread(file.get(), &last, 1, size - 1) == 1 && last != '\n';
}

Result<void> write_all(const OpenFile& file, std::string_view rest, const std::string& path) {
    while (!rest.empty()) {
        const ssize_t written = write(file.get(), rest.data(), rest.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return refused(path, "write");
        rest.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

}  // namespace

std::string audit_line(const AuditEntry& entry, contracts::Timestamp at) {
    Json argv = Json::array();
    for (const std::string& argument : entry.argv) {
        if (argv.size() == kMaxArguments) {
            argv.push_back("...");
            break;
        }
        argv.push_back(cut(argument, kMaxArgumentBytes));
    }
    Json line = {{"at", at.format()},
                 {"event", name_of(entry.event)},
                 {"verb", "exec"},
                 {"request_id", entry.request_id},
                 {"operator_sub", entry.operator_sub},
                 {"target", entry.target}};
    if (!entry.container.empty()) line["container"] = entry.container;
    line["argv"] = std::move(argv);
    if (entry.exit_code) line["exit_code"] = *entry.exit_code;
    if (!entry.reason.empty()) line["reason"] = cut(entry.reason, kMaxReasonBytes);
    return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<void> AuditLog::append(const AuditEntry& entry, contracts::Timestamp at) {
    const std::string line = audit_line(entry, at) + "\n";
    const std::lock_guard lock(mutex_);
    struct stat status {};
    if (stat(options_.path.c_str(), &status) == 0 && status.st_size > 0 &&
        static_cast<std::size_t>(status.st_size) + line.size() > options_.max_bytes) {
        if (auto rotated = rotate(); !rotated) return rotated;
    }
    const OpenFile file(options_.path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW);
    if (file.get() < 0) return refused(options_.path, "open");
    if (fstat(file.get(), &status) != 0) return refused(options_.path, "look at");
    if (!S_ISREG(status.st_mode)) {
        return fail(ErrorKind::Io, options_.path + ": found no regular file, expected one");
    }
    if ((status.st_mode & 0777) != 0600 && fchmod(file.get(), 0600) != 0) {
        return refused(options_.path, "take rights from others");
    }
    const std::string begin = ends_torn(file, status.st_size) ? "\n" : "";
    if (auto written = write_all(file, begin + line, options_.path); !written) return written;
    if (fdatasync(file.get()) != 0) return refused(options_.path, "sync");
    if (status.st_size == 0) return sync_folder_of(options_.path);
    return {};
}

Result<void> AuditLog::rotate() {
    const auto name = [&](int n) { return n == 0 ? options_.path : options_.path + "." + std::to_string(n); };
    for (int n = options_.kept_files - 1; n >= 0; --n) {
        if (std::rename(name(n).c_str(), name(n + 1).c_str()) != 0 && errno != ENOENT) {
            return refused(name(n), "rename");
        }
    }
    return sync_folder_of(options_.path);
}

}  // namespace harmony::agent
