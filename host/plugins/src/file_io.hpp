// Whole small files: read with a limit, written so that a reader sees the old or the new one.
#pragma once

#include <cstddef>
#include <harmony/host/diagnostics.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace harmony::host {

// nullopt when there is no such file. Code plugin.io.
[[nodiscard]] Result<std::optional<std::string>> read_small_file(const std::string& path, std::size_t limit);

// A new file beside `path`, synced, then renamed over it.
[[nodiscard]] Result<void> replace_file(const std::string& path, std::string_view bytes, unsigned mode,
                                        bool durable);

[[nodiscard]] Diagnostic io_problem(const std::string& what, int error);

}  // namespace harmony::host
