// harmony.lock: which plugins a folder is meant to hold, and the hash of each file as it is loaded.
#pragma once

#include <harmony/host/diagnostics.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace harmony::host {

inline constexpr std::string_view kLockFileName = "harmony.lock";

struct LockedPlugin {
    std::string id;
    std::string version;
    std::string file;          // name inside the folder
    std::string sha256;        // lowercase hex, of the whole file
    std::string source;        // what it was installed from, for people
    std::string installed_at;  // RFC 3339, UTC
};

struct LockFile {
    std::vector<LockedPlugin> plugins;  // sorted by id

    [[nodiscard]] const LockedPlugin* find_file(std::string_view file) const;
    [[nodiscard]] const LockedPlugin* find_id(std::string_view id) const;
};

// nullopt when the folder has none. Codes: plugin.lock-invalid, plugin.lock-format, plugin.io.
[[nodiscard]] Result<std::optional<LockFile>> read_lock_file(const std::string& folder);

// The text of the file: indented, a newline at the end, the same for the same plugins. Pure.
[[nodiscard]] std::string format_lock_file(const LockFile& lock);
[[nodiscard]] Result<LockFile> parse_lock_file(std::string_view text);

}  // namespace harmony::host
