// Values of the TOML files that daemons read.
#pragma once

#include <string>
#include <string_view>

namespace harmony::fleet_access {

// A basic string, with quotes; the text is UTF-8.
[[nodiscard]] std::string toml_string(std::string_view text);

// The file that credentials.file of a daemon's configuration points to. It holds a secret.
[[nodiscard]] std::string toml_credentials(std::string_view user, std::string_view password);

}  // namespace harmony::fleet_access
