#include "harmony/fleet_access/image_parameters.hpp"

namespace harmony::fleet_access {

std::string image_reference(const ImageParameters& parameters, std::string_view name,
                            std::string_view default_tag) {
    if (!parameters.image.empty()) return parameters.image;
    std::string registry = parameters.registry.empty() ? kLocalImages : parameters.registry;
    while (registry.ends_with('/'))
        registry.pop_back();
    const std::string_view tag = parameters.tag.empty() ? default_tag : std::string_view(parameters.tag);
    return registry + "/" + std::string(name) + ":" + std::string(tag);
}

plugin::Result<void> check_image(const ImageParameters& parameters) {
    if (parameters.image.empty()) return {};
    const char* ignored = !parameters.registry.empty() ? "image_registry"
                          : !parameters.tag.empty()    ? "image_tag"
                                                       : nullptr;
    if (ignored == nullptr) return {};
    return plugin::invalid_parameter(ignored, std::string(ignored) +
                                                  ": found beside image, which names the whole reference " +
                                                  parameters.image + "; expected one or the other");
}

}  // namespace harmony::fleet_access
