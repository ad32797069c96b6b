#include <cstddef>
#include <cstdint>

#include "decode_any.hpp"
#include "harmony/contracts/podman_v0.hpp"

using namespace harmony::contracts;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    fuzzing::decode_any<PodmanV0>(bytes);
    static_cast<void>(PortMapping::parse(bytes));
    static_cast<void>(VolumeMount::parse(bytes));
    return 0;
}
