#pragma once

#include <harmony/plugin/contribution.hpp>

namespace harmony::plugin::detail {

// The answer to plugin.describe (spec/manifest.md): everything but `target` and `needs`, which are added when
// the plugin is linked.
Json manifest_of(const Contributions& contributions);

}  // namespace harmony::plugin::detail
