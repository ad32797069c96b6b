#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "channel_frames.hpp"
#include "exec_plugin.hpp"
#include "server_url.hpp"
#include "status.hpp"

using namespace harmony::runtime::kubernetes;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (const auto frame = decode_channel_frame(bytes)) {
        if (encode_channel_frame(frame->channel, frame->bytes) != bytes) std::abort();
    }
    static_cast<void>(decode_exec_status(bytes));
    static_cast<void>(decode_port_frame(bytes));
    static_cast<void>(decode_failure({"get", "pods", "shop", "a"}, 409, bytes, bytes));
    static_cast<void>(token_expiry(bytes));
    static_cast<void>(parse_time(bytes));
    static_cast<void>(parse_server_url("server", bytes));
    ExecPlugin plugin;
    plugin.api_version = "client.authentication.k8s.io/v1";
    static_cast<void>(decode_exec_credential(plugin, bytes));
    return 0;
}
