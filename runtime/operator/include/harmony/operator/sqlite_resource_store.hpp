// The resources in one SQLite file.
//
// A write that has returned survives kill -9 and a power cut (write-ahead log, synchronous FULL). A file that
// is not ours, is damaged, or was written by a newer operator is refused with its name, never replaced.
#pragma once

#include <memory>
#include <string>

#include "harmony/operator/resource_store.hpp"

namespace harmony::op {

// Creates the file (0600) where there is none. Corrupt, PermissionDenied, Io, Unavailable (locked).
[[nodiscard]] Result<std::unique_ptr<ResourceStore>> open_sqlite_resource_store(const std::string& path);

}  // namespace harmony::op
