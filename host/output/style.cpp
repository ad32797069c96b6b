#include "host/output/style.hpp"

namespace harmony::host {

std::string printable(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\t') {
            result += ' ';
        } else if (c == '\n' || (byte >= 0x20 && byte != 0x7f)) {
            result += c;
        } else {
            result += '?';
        }
    }
    return result;
}

}  // namespace harmony::host
