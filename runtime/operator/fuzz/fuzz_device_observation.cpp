// A Device in a cluster may have been written by anybody, in whatever shape its definition admits.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "harmony/operator/device_resources_object.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto object = nlohmann::json::parse(data, data + size, nullptr, false);
    if (object.is_discarded()) return 0;
    const auto seen = harmony::op::observe_device(object, "blue");
    if (!seen) return 0;
    if (!harmony::op::same_status(seen->status, seen->status)) __builtin_trap();
    return 0;
}
