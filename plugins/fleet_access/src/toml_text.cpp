#include "harmony/fleet_access/toml_text.hpp"

#include <array>
#include <cstdio>

namespace harmony::fleet_access {

std::string toml_string(std::string_view text) {
    std::string quoted = "\"";
    for (const char character : text) {
        if (character == '"' || character == '\\') {
            quoted += {'\\', character};
        } else if (static_cast<unsigned char>(character) < 0x20 || character == 0x7f) {
            std::array<char, 8> escaped{};
            std::snprintf(escaped.data(), escaped.size(), "\\u%04X", static_cast<unsigned>(character));
            quoted += escaped.data();
        } else {
            quoted += character;
        }
    }
    return quoted + '"';
}

std::string toml_credentials(std::string_view user, std::string_view password) {
    return "nats_user = " + toml_string(user) + "\nnats_pass = " + toml_string(password) + "\n";
}

}  // namespace harmony::fleet_access
