#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "decode_any.hpp"
#include "harmony/contracts/canonical_json.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/contracts/timestamps.hpp"

using namespace harmony::contracts;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (const auto canonical = canonicalize(bytes)) {
        if (canonicalize(*canonical).value() != *canonical) std::abort();
    }
    if (const auto stamp = Timestamp::parse(bytes)) {
        if (Timestamp::parse(stamp->format()).value() != *stamp) std::abort();
    }
    static_cast<void>(parse_desired_state_key(bytes));
    static_cast<void>(parse_device_state_key(bytes));
    return 0;
}
