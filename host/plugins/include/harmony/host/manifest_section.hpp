// Finds a plugin's manifest inside its ELF file without loading it. The file is foreign: every offset and
// length is checked before it is used, and at most a few kilobytes plus the section itself are read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <harmony/host/diagnostics.hpp>
#include <string>

namespace harmony::host {

// The longest manifest that is read (plugin-api/spec/manifest.md).
inline constexpr std::uint64_t kMaxManifestBytes = 1024 * 1024;

// Copies `length` bytes from `offset` of the file to `to`; false when they can't all be read.
using ReadAt = std::function<bool(std::uint64_t offset, void* to, std::size_t length)>;

// The section's bytes. `file_size` bounds every offset. Codes: plugin.not-elf, plugin.wrong-target,
// plugin.truncated, plugin.no-manifest, plugin.manifest-too-large. Pure.
[[nodiscard]] Result<std::string> find_manifest_section(std::uint64_t file_size, const ReadAt& read_at);

// The same for an open file; its position is not moved.
[[nodiscard]] Result<std::string> read_manifest_section(int fd);

}  // namespace harmony::host
