// Small files, read and replaced as a whole.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "host/output/problem.hpp"

namespace harmony::host {

// nullopt when there is no such file. At most 16 MiB. Code host.io.
[[nodiscard]] Outcome<std::optional<std::string>> read_file(const std::string& path);

// Replaces the file durably and atomically with mode 0600, making its folders (0700) as needed. Code host.io.
[[nodiscard]] Outcome<void> write_file(const std::string& path, std::string_view bytes);

// The same for what others may read, as the user's umask has it: files 0666, folders 0777.
[[nodiscard]] Outcome<void> write_public_file(const std::string& path, std::string_view bytes);

// Makes path and what lies above it, each new folder with mode 0700. Code host.io.
[[nodiscard]] Outcome<void> ensure_folders(const std::string& path);

// RFC 3339, UTC, whole seconds.
[[nodiscard]] std::string timestamp_now();
// Seconds since the timestamp; nullopt when it is not one.
[[nodiscard]] std::optional<long> seconds_since(const std::string& timestamp);

}  // namespace harmony::host
