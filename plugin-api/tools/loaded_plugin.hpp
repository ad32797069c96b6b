#pragma once

#include <harmony/plugin/json.hpp>
#include <string>

namespace harmony::tools {

// Loads a plugin into this process, asks for plugin.describe and shuts it down again. It stays loaded: a
// shared object that ran C++ code cannot be unloaded safely.
[[nodiscard]] plugin::Result<plugin::Json> describe_plugin(const std::string& path);

}  // namespace harmony::tools
