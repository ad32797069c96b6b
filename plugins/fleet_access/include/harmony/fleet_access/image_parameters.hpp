// Which image a workload runs, of the parameters image_registry, image_tag and image.
#pragma once

#include <harmony/plugin/diagnostic.hpp>
#include <string>
#include <string_view>

namespace harmony::fleet_access {

inline constexpr const char* kLocalImages = "localhost/harmony";
// Of the parameters. A reference has no space; a tag is what a registry takes for one.
inline constexpr const char* kImagePattern = "^$|^[A-Za-z0-9][^ ]*$";
inline constexpr const char* kImageTagPattern = "^$|^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$";

struct ImageParameters {
    std::string registry{};  // empty: kLocalImages
    std::string tag{};       // empty: the default one
    std::string image{};     // a whole reference, which wins over both
};

// <registry>/<name>:<tag>
[[nodiscard]] std::string image_reference(const ImageParameters& parameters, std::string_view name,
                                          std::string_view default_tag);

// A registry or tag beside a whole reference would be ignored: HP_E_INVALID names it.
[[nodiscard]] plugin::Result<void> check_image(const ImageParameters& parameters);

}  // namespace harmony::fleet_access
