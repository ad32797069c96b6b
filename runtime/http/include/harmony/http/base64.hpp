// Base64 as headers, Secrets and kubeconfigs have it (RFC 4648). Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace harmony::runtime::http {

// The usual alphabet, with padding.
[[nodiscard]] std::string encode_base64(std::string_view bytes);
// The alphabet for addresses and file names, with padding.
[[nodiscard]] std::string encode_base64_url(std::string_view bytes);
// Either alphabet, with or without padding; white space between is skipped, as in YAML blocks. Nothing where
// the text is not base64.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace harmony::runtime::http
