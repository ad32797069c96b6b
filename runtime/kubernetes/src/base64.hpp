// Base64 in both alphabets, with or without padding; white space between is skipped, as in YAML blocks.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace harmony::runtime::kubernetes {

// The usual alphabet, with padding.
[[nodiscard]] std::string encode_base64(std::string_view bytes);
// Nothing where the text is not base64.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace harmony::runtime::kubernetes
