#pragma once

#include <harmony/plugin/call.hpp>
#include <string>

namespace acme {

// The body of a page on this machine, at most 64 KiB of it. Gives up when the call is cancelled, and after 5
// s.
[[nodiscard]] harmony::plugin::Result<std::string> http_get(harmony::plugin::Call& call, int port,
                                                            const std::string& path);

}  // namespace acme
