// Files a daemon keeps: written so that a crash leaves the old or the new content, read with a limit.
#pragma once

#include <sys/types.h>
#include <cstddef>
#include <string>
#include <string_view>

#include "harmony/result.hpp"

namespace harmony::runtime::daemon {

// Writes a temporary file beside `path`, syncs it, renames it over `path` and syncs the directory. When it
// returns successfully the content survives a power cut. The mode holds from the first byte on. Io.
[[nodiscard]] Result<void> write_file_durably(const std::string& path, std::string_view content,
                                              mode_t mode = 0600);

// NotFound; InvalidInput: larger than max_bytes, or not a regular file; PermissionDenied; Io.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t max_bytes = 1024 * 1024);

// Removes the file durably; its absence is success.
[[nodiscard]] Result<void> remove_file_durably(const std::string& path);

// Reads a file that holds a secret. PermissionDenied where group or others have any right to it, or where it
// belongs to neither this user nor root; the message names the mode found and the one expected. A user who is
// not root may read root's file through its group (mode 0440), as a pod its Secrets. The check and the read
// use one descriptor, so that the file can't be swapped in between.
[[nodiscard]] Result<std::string> read_secret_file(const std::string& path,
                                                   std::size_t max_bytes = 64 * 1024);

// Makes the directory and its parents; an existing one is left as it is.
[[nodiscard]] Result<void> make_directories(const std::string& path, mode_t mode = 0700);

}  // namespace harmony::runtime::daemon
