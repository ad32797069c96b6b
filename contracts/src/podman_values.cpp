#include "podman_values.hpp"

#include <arpa/inet.h>

#include <array>

#include "harmony/contracts/podman_v0.hpp"
#include "json_field.hpp"
#include "limits.hpp"

namespace harmony::contracts {

namespace {

constexpr EnumNames<PortProtocol, 2> kProtocols{{{PortProtocol::Tcp, "tcp"}, {PortProtocol::Udp, "udp"}}};

bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

template <class Accept>
bool all(std::string_view text, Accept accept) {
    return !text.empty() && std::all_of(text.begin(), text.end(), accept);
}

bool is_digest(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return false;
    const auto algorithm = text.substr(0, colon);
    const auto value = text.substr(colon + 1);
    return all(algorithm, [](char c) { return is_lower(c) || is_digit(c); }) && value.size() >= 32 &&
           all(value, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

bool is_tag(std::string_view text) {
    return text.size() <= 128 && text.front() != '.' && text.front() != '-' && all(text, [](char c) {
               return is_lower(c) || is_upper(c) || is_digit(c) || c == '_' || c == '.' || c == '-';
           });
}

bool is_registry(std::string_view text) {
    const auto colon = text.find(':');
    if (colon != std::string_view::npos && !all(text.substr(colon + 1), is_digit)) return false;
    return all(text.substr(0, colon),
               [](char c) { return is_lower(c) || is_upper(c) || is_digit(c) || c == '.' || c == '-'; });
}

bool is_path_component(std::string_view text) {
    const auto edge = [](char c) { return is_lower(c) || is_digit(c); };
    return all(text, [&](char c) { return edge(c) || c == '.' || c == '_' || c == '-'; }) &&
           edge(text.front()) && edge(text.back());
}

bool is_repository(std::string_view text) {
    bool first = true;
    while (true) {
        const auto slash = text.find('/');
        const auto part = text.substr(0, slash);
        const bool looks_like_registry =
            first && slash != std::string_view::npos &&
            (part.find_first_of(".:") != std::string_view::npos || part == "localhost");
        if (looks_like_registry ? !is_registry(part) : !is_path_component(part)) return false;
        if (slash == std::string_view::npos) return true;
        text.remove_prefix(slash + 1);
        first = false;
    }
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    if (text.empty() || text.size() > 5 || !all(text, is_digit)) return std::nullopt;
    unsigned value = 0;
    for (const char digit : text)
        value = value * 10 + static_cast<unsigned>(digit - '0');
    if (value == 0 || value > 65535) return std::nullopt;
    return static_cast<std::uint16_t>(value);
}

bool is_address(const std::string& text, int family) {
    std::array<unsigned char, sizeof(in6_addr)> parsed{};
    return inet_pton(family, text.c_str(), parsed.data()) == 1;
}

// Takes "<ip>:" from the front. False when there is one and it is not an address.
bool take_host_ip(std::string_view& rest, std::string& host_ip) {
    if (rest.starts_with('[')) {
        const auto end = rest.find("]:");
        if (end == std::string_view::npos) return false;
        host_ip = rest.substr(1, end - 1);
        rest.remove_prefix(end + 2);
        return is_address(host_ip, AF_INET6);
    }
    const auto first = rest.find(':');
    if (first == std::string_view::npos || rest.find(':', first + 1) == std::string_view::npos) return true;
    host_ip = rest.substr(0, first);
    rest.remove_prefix(first + 1);
    return is_address(host_ip, AF_INET);
}

bool is_plain_absolute_path(std::string_view path) {
    if (path.empty() || path.front() != '/' || path.size() > kMaxVolumePathBytes) return false;
    if (path.find_first_of(std::string_view("\0,", 2)) != std::string_view::npos) return false;
    const auto padded = std::string(path) + "/";
    return padded.find("/../") == std::string::npos;
}

bool every_address(const std::string& ip) {
    return ip.empty() || ip == "0.0.0.0" || ip == "::";
}

}  // namespace

bool is_image_reference(std::string_view text) {
    if (text.empty() || text.size() > kMaxImageBytes) return false;
    if (const auto at = text.find('@'); at != std::string_view::npos) {
        if (!is_digest(text.substr(at + 1))) return false;
        text = text.substr(0, at);
    }
    const auto slash = text.rfind('/');
    const auto colon = text.find(':', slash == std::string_view::npos ? 0 : slash);
    if (colon != std::string_view::npos) {
        if (colon + 1 == text.size() || !is_tag(text.substr(colon + 1))) return false;
        text = text.substr(0, colon);
    }
    return is_repository(text);
}

bool is_environment_name(std::string_view text) {
    return text.size() <= 256 && all(text, [](char c) { return c > ' ' && c < '\x7f' && c != '='; });
}

bool is_stop_signal(std::string_view text) {
    return std::find(kStopSignals.begin(), kStopSignals.end(), text) != kStopSignals.end();
}

std::string_view to_string(PortProtocol protocol) {
    return name_of(kProtocols, protocol);
}

Result<PortMapping> PortMapping::parse(std::string_view text) {
    PortMapping result;
    auto rest = text;
    bool valid = true;
    if (const auto slash = rest.find('/'); slash != std::string_view::npos) {
        const auto protocol = rest.substr(slash + 1);
        valid = protocol == "tcp" || protocol == "udp";
        if (protocol == "udp") result.protocol = PortProtocol::Udp;
        rest = rest.substr(0, slash);
    }
    valid = take_host_ip(rest, result.host_ip) && valid;
    const auto colon = rest.find(':');
    const auto host = parse_port(rest.substr(0, colon));
    const auto container =
        colon == std::string_view::npos ? std::nullopt : parse_port(rest.substr(colon + 1));
    if (!valid || !host || !container) {
        return fail(ErrorKind::InvalidInput,
                    "found " + in_quotes(text) + ", expected [<ip>:]<host port>:<container port>[/tcp|/udp]");
    }
    result.host_port = *host;
    result.container_port = *container;
    return result;
}

std::string PortMapping::format() const {
    std::string result;
    if (!host_ip.empty()) {
        result = host_ip.find(':') == std::string::npos ? host_ip + ":" : "[" + host_ip + "]:";
    }
    return result + std::to_string(host_port) + ":" + std::to_string(container_port) + "/" +
           std::string(to_string(protocol));
}

bool PortMapping::overlaps(const PortMapping& other) const {
    return host_port == other.host_port && protocol == other.protocol &&
           (host_ip == other.host_ip || every_address(host_ip) || every_address(other.host_ip));
}

Result<VolumeMount> VolumeMount::parse(std::string_view text) {
    const auto refuse = [&] {
        return fail(
            ErrorKind::InvalidInput,
            "found " + in_quotes(text) +
                ", expected <host path>:<container path>[:ro|:rw] with absolute paths without \"..\"");
    };
    VolumeMount result;
    const auto first = text.find(':');
    if (first == std::string_view::npos) return refuse();
    const auto second = text.find(':', first + 1);
    result.host_path = text.substr(0, first);
    result.container_path =
        text.substr(first + 1, second == std::string_view::npos ? second : second - first - 1);
    if (second != std::string_view::npos) {
        const auto mode = text.substr(second + 1);
        if (mode != "ro" && mode != "rw") return refuse();
        result.read_only = mode == "ro";
    }
    if (!is_plain_absolute_path(result.host_path) || !is_plain_absolute_path(result.container_path)) {
        return refuse();
    }
    return result;
}

std::string VolumeMount::format() const {
    return host_path + ":" + container_path + (read_only ? ":ro" : "");
}

}  // namespace harmony::contracts
