#include <cstddef>
#include <cstdint>

#include "decode_any.hpp"
#include "harmony/contracts/commands.hpp"

using namespace harmony::contracts;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    fuzzing::decode_any<PingReply, LogsRequest, LogsReply, ExecRequest, ExecReply, RemoteError>(bytes);
    static_cast<void>(parse_command_subject(bytes));
    static_cast<void>(CommandHeaders::parse(bytes, bytes, bytes));
    return 0;
}
