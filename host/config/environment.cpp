#include "host/config/environment.hpp"

namespace harmony::host {

Environment Environment::from_block(const char* const* block) {
    std::map<std::string, std::string> variables;
    for (; block != nullptr && *block != nullptr; ++block) {
        const std::string_view entry(*block);
        const auto equals = entry.find('=');
        if (equals == std::string_view::npos || equals == 0) continue;
        variables.emplace(entry.substr(0, equals), entry.substr(equals + 1));
    }
    return Environment(std::move(variables));
}

std::optional<std::string> Environment::get(std::string_view name) const {
    const auto found = variables_.find(std::string(name));
    if (found == variables_.end() || found->second.empty()) return std::nullopt;
    return found->second;
}

}  // namespace harmony::host
