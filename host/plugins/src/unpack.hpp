// Archives are unpacked by a program of their own, harmony-unpack.
#pragma once

#include <harmony/host/diagnostics.hpp>
#include <string>

namespace harmony::host {

// Puts the harmony-*.so files of `archive` flat into `folder`, which exists and is empty. Codes: plugin.io,
// plugin.archive-invalid (with what the program said), plugin.archive-timeout.
[[nodiscard]] Result<void> unpack_archive(const std::string& archive, const std::string& folder);

}  // namespace harmony::host
