#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <harmony/host/lock_file.hpp>
#include <harmony/host/plugin_file.hpp>

namespace harmony::host {
namespace {

std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
    if (this != &other) {
        reset();
        fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
}

FileDescriptor::~FileDescriptor() {
    reset();
}

void FileDescriptor::reset() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

std::string unsafe_permissions(unsigned mode, unsigned owner, unsigned group) {
    if (owner != 0 && owner != ::geteuid()) {
        return "it belongs to user " + std::to_string(owner) + ", expected you (" +
               std::to_string(::geteuid()) + ") or root";
    }
    if ((mode & S_IWOTH) != 0) return "everybody may write it";
    if ((mode & S_IWGRP) != 0 && group != 0 && group != ::getegid()) {
        return "group " + std::to_string(group) + " may write it";
    }
    return {};
}

Result<PluginFile> open_plugin_file(const std::string& path) {
    PluginFile file{path, FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)), {}};
    if (!file.fd) return refuse("plugin.io", path + " can't be opened: " + std::strerror(errno));
    struct stat status {};
    struct stat folder_status {};
    const std::string folder = folder_of(path);
    if (::fstat(file.fd.get(), &status) != 0 || ::stat(folder.c_str(), &folder_status) != 0) {
        return refuse("plugin.io", path + " can't be examined: " + std::strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) return refuse("plugin.io", path + " is not a regular file");
    for (const auto& [name, found] : {std::pair{path, status}, std::pair{folder, folder_status}}) {
        const auto unsafe = unsafe_permissions(found.st_mode, found.st_uid, found.st_gid);
        if (!unsafe.empty()) {
            return refuse("plugin.unsafe-permissions", name + " is not loaded: " + unsafe,
                          "Change its owner, or take the right away: chmod go-w " + name);
        }
    }
    auto hash = sha256_of(file.fd.get());
    if (!hash) return tl::unexpected(hash.error());
    file.sha256 = *hash;

    const auto lock = read_lock_file(folder);
    if (!lock) return tl::unexpected(lock.error());
    const auto* locked = *lock ? (*lock)->find_file(path.substr(path.rfind('/') + 1)) : nullptr;
    if (locked != nullptr && locked->sha256 != file.sha256) {
        return refuse("plugin.hash-mismatch",
                      path + " is not what was installed: found SHA-256 " + file.sha256 + ", expected " +
                          locked->sha256,
                      "If you did not change it yourself, somebody else did. Install it again from " +
                          locked->source + ", or remove it: harmony plugins remove " + locked->id);
    }
    return file;
}

}  // namespace harmony::host
