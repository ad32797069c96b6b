#pragma once

#include "host/engine/plugin_pool.hpp"

namespace harmony::host {

// Runner processes, as make_plugin_process() makes them.
[[nodiscard]] ProcessFactory real_process_factory();

}  // namespace harmony::host
