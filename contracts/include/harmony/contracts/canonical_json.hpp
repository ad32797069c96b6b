// Canonical JSON and the hashes over it. Two documents that mean the same have the same canonical bytes: keys
// sorted by byte value, no insignificant space, UTF-8 as it is, numbers in their shortest form
// (spec/README.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "harmony/result.hpp"

namespace harmony::contracts {

// A NATS server's default payload limit is 1 MiB; a document leaves room for headers and an envelope.
inline constexpr std::size_t kMaxDocumentBytes = 960 * 1024;
// Deeper nesting is refused before it is parsed.
inline constexpr std::size_t kMaxNestingDepth = 32;

// InvalidInput when the text is not JSON, is too long or too deep. When an object names a key twice the last
// value stands.
[[nodiscard]] Result<std::string> canonicalize(std::string_view json,
                                               std::size_t max_bytes = kMaxDocumentBytes);

// FNV-1a with 64 bits: detects change, resists nobody. Chosen because it is a dozen lines in any language and
// the same on every machine.
inline constexpr std::uint64_t kFnvOffsetBasis = 0xcbf29ce484222325;
[[nodiscard]] std::uint64_t fnv1a64(std::string_view bytes, std::uint64_t seed = kFnvOffsetBasis);

// 16 lower-case hexadecimal digits.
[[nodiscard]] std::string hex16(std::uint64_t value);
[[nodiscard]] bool is_hex16(std::string_view text);

// hex16(fnv1a64(bytes)). The bytes are hashed as they are: pass canonical JSON.
[[nodiscard]] std::string value_hash(std::string_view canonical_bytes);

}  // namespace harmony::contracts
