#include "frame.hpp"
#include "message.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    harmony::host::FrameDecoder decoder;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    decoder.feed(bytes.substr(0, size / 2));
    decoder.feed(bytes.substr(size / 2));
    while (const auto body = decoder.next()) {
        if (const auto frame = harmony::host::to_frame(*body))
            (void)harmony::host::diagnostic_from(*frame, 5);
    }
    return 0;
}
