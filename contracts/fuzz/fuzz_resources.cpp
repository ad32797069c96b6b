#include <cstddef>
#include <cstdint>

#include "decode_any.hpp"
#include "harmony/contracts/resources.hpp"

using namespace harmony::contracts;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    fuzzing::decode_any<Deployment, Device, LabelSelector>(bytes);
    return 0;
}
