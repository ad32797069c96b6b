// A plugin opened once: everything that is checked about it and what is loaded later is this descriptor.
#pragma once

#include <harmony/host/diagnostics.hpp>
#include <string>
#include <utility>

namespace harmony::host {

// Owns a file descriptor.
class FileDescriptor {
 public:
    FileDescriptor() = default;
    explicit FileDescriptor(int fd) : fd_(fd) {}
    FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept;
    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;
    ~FileDescriptor();

    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }
    void reset();

 private:
    int fd_ = -1;
};

struct PluginFile {
    std::string path;
    FileDescriptor fd;   // close-on-exec, read only
    std::string sha256;  // lowercase hex of what fd holds
};

// Opens, checks owner and mode of the file and of its folder, hashes the descriptor, and compares with the
// folder's lock file when that covers the file. Codes: plugin.io, plugin.unsafe-permissions,
// plugin.hash-mismatch (found, expected and what to do), plugin.lock-invalid.
[[nodiscard]] Result<PluginFile> open_plugin_file(const std::string& path);

// Lowercase hex over the whole file; its position is not moved.
[[nodiscard]] Result<std::string> sha256_of(int fd);
[[nodiscard]] std::string sha256_of_text(std::string_view text);

// Owner is root or the user; nobody else may write. The text names what is wrong, empty when nothing is.
[[nodiscard]] std::string unsafe_permissions(unsigned mode, unsigned owner, unsigned group);

}  // namespace harmony::host
