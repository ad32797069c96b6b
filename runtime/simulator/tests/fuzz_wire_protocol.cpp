#include <cstddef>
#include <cstdint>

#include "harmony/simulator/wire_protocol.hpp"

using namespace harmony::simulator;

// Whole, and cut in two: both must end the same way.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    std::uint64_t heard[2] = {0, 0};
    for (int pieces = 1; pieces <= 2; ++pieces) {
        std::uint64_t& count = heard[pieces - 1];
        WireHandlers handlers;
        handlers.on_info = [&](std::string_view text) { count += text.size(); };
        handlers.on_message = [&](const WireMessage& message) {
            count += message.payload.size() + message.header("KV-Operation").size() +
                     static_cast<std::uint64_t>(message.status());
        };
        handlers.on_ping = handlers.on_pong = [&] { ++count; };
        handlers.on_error = [&](std::string_view text) { count += text.size(); };
        WireParser parser;
        const std::size_t half = pieces == 1 ? size : size / 2;
        if (!parser.feed(bytes.substr(0, half), handlers)) continue;
        (void)parser.feed(bytes.substr(half), handlers);
    }
    if (heard[0] != heard[1]) __builtin_trap();
    return 0;
}
