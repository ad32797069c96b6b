// The PluginProcess without a process, for debuggers and tests.
#pragma once

#include <harmony/host/plugin_process.hpp>

namespace harmony::host {

// A crash of the plugin is a crash of the host. A cancellation is seen when the plugin asks for it.
[[nodiscard]] std::unique_ptr<PluginProcess> make_in_process(PluginProcessOptions options,
                                                             PluginCallbacks callbacks);

}  // namespace harmony::host
