// JSON that somebody else wrote, made safe to look at.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace harmony::host {

// Nesting that is accepted. The library below copies and prints recursively, so depth has to be bounded.
inline constexpr int kMaxJsonDepth = 64;

// One JSON object of bounded depth, or what is wrong with the text (no part of it is quoted).
[[nodiscard]] tl::expected<nlohmann::json, std::string> parse_json_object(std::string_view text,
                                                                          int max_depth = kMaxJsonDepth);

// For terminals and messages: control characters and broken UTF-8 become '?', long text is cut.
[[nodiscard]] std::string printable(std::string_view text, std::size_t limit = 200);

}  // namespace harmony::host
