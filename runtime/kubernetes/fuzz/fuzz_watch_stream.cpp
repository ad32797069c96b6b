#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "watch_decoder.hpp"

using namespace harmony::runtime::kubernetes;

// The same bytes in one piece and in two must give the same events.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const CallName call{"watch", "pods", "shop", {}};
    WatchDecoder whole(call, 4'096);
    std::vector<WatchLine> lines;
    const bool good = whole.feed(bytes, lines).has_value();
    WatchDecoder halves(call, 4'096);
    std::vector<WatchLine> pieces;
    const std::size_t cut = size / 2;
    const bool also_good =
        halves.feed(bytes.substr(0, cut), pieces) && halves.feed(bytes.substr(cut), pieces).has_value();
    if (good != also_good || lines.size() != pieces.size()) std::abort();
    return 0;
}
