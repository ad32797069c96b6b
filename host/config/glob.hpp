// Names chosen by a pattern: `*` stands for any run of characters, `?` for one.
#pragma once

#include <string_view>

namespace harmony::host {

[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view name);
[[nodiscard]] bool is_glob(std::string_view pattern);

}  // namespace harmony::host
