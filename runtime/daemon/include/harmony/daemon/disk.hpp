// The files a daemon keeps, behind an interface, so that a simulation can tear, lose and refuse writes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "harmony/result.hpp"

namespace harmony::runtime::daemon {

class Disk {
 public:
    virtual ~Disk() = default;

    // NotFound; InvalidInput: larger than max_bytes; PermissionDenied; Io.
    [[nodiscard]] virtual Result<std::string> read(const std::string& path, std::size_t max_bytes) = 0;
    // Replaces the whole file. The content survives a power cut once this has returned successfully; after a
    // failure or a crash the file has the old or the new content. Io.
    [[nodiscard]] virtual Result<void> write_durably(const std::string& path, std::string_view content) = 0;
    // Its absence is success.
    [[nodiscard]] virtual Result<void> remove_durably(const std::string& path) = 0;
    // With its parents; an existing one is left as it is.
    [[nodiscard]] virtual Result<void> make_directories(const std::string& path) = 0;
};

// The machine's own (files.hpp). Thread-safe; lives as long as the process.
[[nodiscard]] Disk& file_disk();

}  // namespace harmony::runtime::daemon
