#pragma once

namespace harmony::host {

inline constexpr const char* kVersion = HARMONY_VERSION;

}  // namespace harmony::host
