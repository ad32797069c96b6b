#include "placeholders.hpp"

namespace harmony::local {
namespace {

constexpr std::string_view kPort = "port:";

Outcome<std::string> value_of(std::string_view name, const PlaceholderValues& values) {
    if (name == "config") return values.config;
    if (name == "data") return values.data;
    if (name == "runtime") return values.runtime;
    if (name.substr(0, kPort.size()) == kPort) {
        const auto port = values.ports.find(std::string(name.substr(kPort.size())));
        if (port != values.ports.end()) return std::to_string(port->second);
    }
    return problem(
        "process-host.invalid-spec",
        "unknown placeholder @{" + std::string(name.substr(0, 64)) +
            "}; expected config, data, runtime or port: and the name of one of the daemon's ports");
}

}  // namespace

Outcome<std::string> expand(std::string_view text, const PlaceholderValues& values) {
    std::string result;
    for (;;) {
        const auto start = text.find("@{");
        const auto end = start == std::string_view::npos ? start : text.find('}', start);
        if (end == std::string_view::npos) {
            result.append(text);
            return result;
        }
        auto value = value_of(text.substr(start + 2, end - start - 2), values);
        if (!value) return value;
        result.append(text.substr(0, start)).append(*value);
        text.remove_prefix(end + 1);
    }
}

}  // namespace harmony::local
