// Puts plugins into a folder and takes them out. Each operation replaces the folder as a whole, by one
// rename: killed at any moment, it leaves the old folder or the new one. Operations on one folder exclude
// each other.
#pragma once

#include <harmony/host/diagnostics.hpp>
#include <harmony/host/lock_file.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace harmony::host {

struct InstallReport {
    struct Item {
        LockedPlugin plugin;
        std::string previous_version;  // empty when it is new
        bool changed = true;           // false: the same bytes were there already
    };
    std::vector<Item> items;
};

// `source` is a folder with harmony-*.so files, one such file, or an archive (.tar, .tar.gz, .tar.zst, .zip)
// with them. All manifests are validated first; one bad plugin means that nothing is installed. An installed
// plugin of the same id is replaced, also by an older version.
// Codes: plugin.source-*, plugin.archive-*, plugin.io and those of parse_manifest.
[[nodiscard]] Result<InstallReport> install_plugins(const std::string& source, const std::string& folder);

// `id` as in Catalog::find_plugin. Code plugin.not-installed when the folder's lock file does not have it.
[[nodiscard]] Result<LockedPlugin> remove_plugin(std::string_view id, const std::string& folder);

struct VerifyItem {
    LockedPlugin plugin;
    std::string found_sha256;  // empty when the file is missing
    [[nodiscard]] bool ok() const { return found_sha256 == plugin.sha256; }
};

// Hashes every file that the lock file names. Reads only.
[[nodiscard]] Result<std::vector<VerifyItem>> verify_plugins(const std::string& folder);

}  // namespace harmony::host
