#include "server_url.hpp"

#include <algorithm>
#include <charconv>

#include "status.hpp"

namespace harmony::runtime::kubernetes {
namespace {

constexpr std::string_view kScheme = "https://";

bool clean(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte > 0x20 && byte < 0x7f && c != '?' && c != '#' && c != '@' && c != '\\';
    });
}

}  // namespace

Answer<ServerUrl> parse_server_url(std::string_view field, std::string_view text) {
    const auto wrong = [&](const char* expected) {
        // A URL with a user part would carry a password.
        const std::string found =
            text.find('@') == std::string_view::npos ? foreign_text(text) : "(with a user)";
        return refuse(Reason::Configuration,
                      std::string(field) + ": found \"" + found + "\", expected " + expected);
    };
    if (text.substr(0, kScheme.size()) != kScheme) return wrong("https://HOST[:PORT][/PATH]");
    if (!clean(text)) return wrong("https://HOST[:PORT][/PATH] without query and user");
    std::string_view rest = text.substr(kScheme.size());
    ServerUrl url;
    const auto slash = rest.find('/');
    if (slash != std::string_view::npos) {
        url.path_prefix = rest.substr(slash);
        while (!url.path_prefix.empty() && url.path_prefix.back() == '/')
            url.path_prefix.pop_back();
        rest = rest.substr(0, slash);
    }
    std::string_view port;
    if (!rest.empty() && rest.front() == '[') {
        const auto end = rest.find(']');
        if (end == std::string_view::npos) return wrong("a closing bracket after the IPv6 address");
        url.host = rest.substr(1, end - 1);
        port = rest.substr(end + 1);
    } else {
        const auto colon = rest.find(':');
        url.host = rest.substr(0, colon);
        port = colon == std::string_view::npos ? std::string_view{} : rest.substr(colon);
    }
    if (url.host.empty()) return wrong("a host");
    if (port.empty()) return url;
    if (port.front() != ':') return wrong("HOST[:PORT]");
    port.remove_prefix(1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (error != std::errc{} || end != port.data() + port.size() || url.port == 0) {
        return wrong("a port from 1 to 65535");
    }
    return url;
}

}  // namespace harmony::runtime::kubernetes
