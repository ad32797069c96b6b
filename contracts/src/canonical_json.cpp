#include "harmony/contracts/canonical_json.hpp"

#include "json_field.hpp"

namespace harmony::contracts {

Result<std::string> canonicalize(std::string_view json, std::size_t max_bytes) {
    auto parsed = parse_document(json, max_bytes);
    if (!parsed) return fail(parsed.error());
    return dump_canonical(*parsed);
}

std::uint64_t fnv1a64(std::string_view bytes, std::uint64_t seed) {
    constexpr std::uint64_t kPrime = 0x100000001b3;
    std::uint64_t hash = seed;
    for (const char byte : bytes) {
        hash ^= static_cast<unsigned char>(byte);
        hash *= kPrime;
    }
    return hash;
}

std::string hex16(std::uint64_t value) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string result(16, '0');
    for (auto digit = result.rbegin(); digit != result.rend(); ++digit) {
        *digit = kDigits[value & 0xFU];
        value >>= 4U;
    }
    return result;
}

bool is_hex16(std::string_view text) {
    return text.size() == 16 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string value_hash(std::string_view canonical_bytes) {
    return hex16(fnv1a64(canonical_bytes));
}

}  // namespace harmony::contracts
