// The log of a daemon, which the daemon itself writes in append mode.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "problem.hpp"

namespace harmony::local {

inline constexpr std::uintmax_t kLongestLog = 10u << 20;

// Where the file has grown past the limit: FILE.1 becomes FILE.2, its content is copied to FILE.1, and it is
// emptied in place, because its writer keeps it open. Lines written in between may be lost.
[[nodiscard]] Outcome<void> rotate_log(const std::filesystem::path& file, std::uintmax_t limit = kLongestLog);

// The last lines, oldest first, from FILE.1 too where FILE has fewer. At most 256 KiB are looked at.
[[nodiscard]] std::vector<std::string> last_lines(const std::filesystem::path& file, std::size_t count);

}  // namespace harmony::local
