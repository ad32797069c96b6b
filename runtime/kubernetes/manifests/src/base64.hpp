#pragma once

#include <string>
#include <string_view>

namespace harmony::kubernetes_manifests {

// Padded, as the data of Secrets.
[[nodiscard]] std::string base64(std::string_view bytes);

}  // namespace harmony::kubernetes_manifests
