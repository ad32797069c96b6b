// A definition found in a cluster may be anybody's.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "harmony/contracts/resource_definitions.hpp"

using namespace harmony::contracts;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto installed = nlohmann::json::parse(data, data + size, nullptr, false);
    if (installed.is_discarded()) return 0;
    for (const auto& ours : {deployment_definition(), device_definition()}) {
        const auto comparison = compare_definition(ours, installed);
        if ((comparison.match == DefinitionMatch::Same) != comparison.reason.empty()) __builtin_trap();
    }
    return 0;
}
