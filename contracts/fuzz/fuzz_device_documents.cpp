#include <cstddef>
#include <cstdint>

#include "decode_any.hpp"
#include "harmony/contracts/deployment_state.hpp"
#include "harmony/contracts/desired_state.hpp"
#include "harmony/contracts/device_info.hpp"
#include "harmony/contracts/heartbeat.hpp"

using namespace harmony::contracts;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    fuzzing::decode_any<DeviceInfo, DeploymentState, Heartbeat, Score, DesiredIndex>(bytes);
    return 0;
}
