// Deployments in a file that a person wrote: YAML, one or more documents; JSON is YAML too.
#pragma once

#include <string>
#include <vector>

#include "harmony/contracts/resources.hpp"
#include "harmony/result.hpp"

namespace harmony::fleet {

inline constexpr std::size_t kMaxFileBytes = 4 * 1024 * 1024;

// All or none: InvalidInput names the file, the document (from 1) and the field or line. Empty documents are
// skipped; a file without any other is refused, as is a name that is there twice.
[[nodiscard]] Result<std::vector<contracts::Deployment>> read_deployments(const std::string& path,
                                                                          const std::string& content);

}  // namespace harmony::fleet
