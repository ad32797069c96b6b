#include "harmony/agent/self_check.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace harmony::agent {

namespace podman = runtime::podman;

namespace {

constexpr std::chrono::milliseconds kPodmanPatience{3'000};
// As much as a small state: what a full disk has no room for.
constexpr std::size_t kProbeBytes = 64 * 1024;

std::string reason(int number) {
    return std::strerror(number);
}

// The directory itself, or the nearest one above it that exists: the agent makes the rest.
std::string nearest_directory(std::string path) {
    struct stat status {};
    while (path.size() > 1 && stat(path.c_str(), &status) != 0 && errno == ENOENT) {
        const auto slash = path.rfind('/');
        path.resize(slash == 0 ? 1 : slash);
    }
    return path;
}

// Empty where a file could be written and synced. The file has no name, so nothing is left of it, whatever
// happens to this process.
std::string why_not_writable(const std::string& directory) {
    const int fd = open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
        return access(directory.c_str(), W_OK | X_OK) == 0 ? std::string() : reason(errno);
    }
    if (fd < 0) return reason(errno);
    const std::string probe(kProbeBytes, '\0');
    std::string why;
    const ssize_t written = write(fd, probe.data(), probe.size());
    if (written < 0) {
        why = reason(errno);
    } else if (static_cast<std::size_t>(written) < probe.size()) {
        why = reason(ENOSPC);
    } else if (fsync(fd) != 0) {
        why = reason(errno);
    }
    close(fd);
    return why;
}

CheckLine check_state_directory(const std::string& path) {
    CheckLine line{CheckGrade::Ok, "state directory " + path, "can be written"};
    const std::string directory = nearest_directory(path);
    struct stat status {};
    std::string why;
    if (stat(directory.c_str(), &status) != 0) {
        why = reason(errno);
    } else if (!S_ISDIR(status.st_mode)) {
        why = directory + " is a file, expected a directory";
    } else {
        why = why_not_writable(directory);
        if (directory != path) line.finding = "can be made in " + directory;
    }
    if (!why.empty()) {
        line.grade = CheckGrade::Failed;
        line.finding = "cannot be written by this user: " + why;
    }
    return line;
}

CheckLine check_podman(const AgentConfig& config) {
    CheckLine line{CheckGrade::Ok, "podman at " + config.podman_socket, ""};
    auto options = podman_options(config);
    options.request_timeout = kPodmanPatience;
    const auto info = podman::make_podman_runtime(std::move(options))->info();
    if (info) {
        line.finding = "answers, version " + info->version;
    } else {
        line.grade = CheckGrade::Warning;
        line.finding = "does not answer now, the agent will wait for it: " + info.error().text();
    }
    return line;
}

CheckLine check_registry_file(const AgentConfig& config) {
    CheckLine line{CheckGrade::Ok, "registry credentials " + config.registry_auth_file, "can be used"};
    if (const auto usable = check_registry_auths(config); !usable) {
        line.grade = CheckGrade::Failed;
        line.finding = "cannot be used, no image could be pulled: " + usable.error().text();
    }
    return line;
}

}  // namespace

std::vector<CheckLine> self_check(const AgentConfig& config) {
    std::vector<CheckLine> lines{check_state_directory(config.state_dir)};
    if (!config.registry_auth_file.empty()) lines.push_back(check_registry_file(config));
    if (config.runtime_enabled) lines.push_back(check_podman(config));
    return lines;
}

}  // namespace harmony::agent
