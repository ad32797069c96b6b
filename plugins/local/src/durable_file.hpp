// Files that are either the old or the new content, whatever is killed when.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "problem.hpp"

namespace harmony::local {

enum class Durability {
    Atomic,  // survives the death of any process, not a power cut
    OnDisk,  // survives a power cut too: file and folder are synced before the call returns
};

// Replaces the file through a temporary one in the same folder, which must exist. The mode is exact: the
// umask has no part in it.
[[nodiscard]] Outcome<void> write_file(const std::filesystem::path& file, std::string_view content,
                                       mode_t mode, Durability durability);

// Creates the file with this content unless it exists; false when it did. Always on disk.
[[nodiscard]] Outcome<bool> create_file(const std::filesystem::path& file, std::string_view content,
                                        mode_t mode);

// The content, or nothing when there is no such file. Longer than the limit is a problem.
[[nodiscard]] Outcome<std::optional<std::string>> read_file(const std::filesystem::path& file,
                                                            std::size_t limit = 16u << 20);

// The folder and its missing parents, each of them created with mode 0700.
[[nodiscard]] Outcome<void> make_private_folders(const std::filesystem::path& folder);

// A folder that is ours alone: created with 0700, and refused when it is a link, belongs to somebody else or
// lets others in. For folders below one that everybody may write, such as /tmp.
[[nodiscard]] Outcome<void> make_guarded_folder(const std::filesystem::path& folder);

[[nodiscard]] std::string sha256_hex(std::string_view bytes);

}  // namespace harmony::local
