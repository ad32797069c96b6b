#include "harmony/http/client.hpp"

#include <strings.h>

#include <array>

namespace harmony::runtime::http {

std::optional<std::string_view> Response::header(std::string_view name) const {
    for (const Header& candidate : headers) {
        if (candidate.name.size() == name.size() &&
            strncasecmp(candidate.name.data(), name.data(), name.size()) == 0) {
            return candidate.value;
        }
    }
    return std::nullopt;
}

std::string Endpoint::text() const {
    return unix_socket_path.empty() ? host + ":" + std::to_string(port) : "unix:" + unix_socket_path;
}

std::string percent_encode(std::string_view text) {
    static constexpr std::string_view kHex = "0123456789ABCDEF";
    static constexpr std::string_view kUnreserved =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    std::string encoded;
    encoded.reserve(text.size());
    for (const char c : text) {
        if (kUnreserved.find(c) != std::string_view::npos) {
            encoded += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        encoded += '%';
        encoded += kHex[byte >> 4U];
        encoded += kHex[byte & 15U];
    }
    return encoded;
}

}  // namespace harmony::runtime::http
