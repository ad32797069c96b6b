// The image that the scenarios' containers run: Debian's static busybox and a few links, imported into podman
// without a registry. Named by its content, so that it is made once.
#pragma once

#include <harmony/capability/container_runtime.hpp>
#include <string>

#include "fleet.hpp"

namespace harmony::fleet_e2e {

inline constexpr const char* kBusybox = "/bin/busybox";

// Whether the machine has what the image is made of.
[[nodiscard]] bool has_busybox();

// The image's name, once podman has it. Images of different versions differ in their content: /release holds
// the number. Without arguments a container prints `started GREETING` and waits for its end.
[[nodiscard]] Result<std::string> import_test_image(plugin::ContainerRuntime& containers, int version);

// The same as a step of the run, or the run is skipped.
template <class Run>
Result<std::string> ensure_test_image(Run& run, int version) {
    if (!has_busybox())
        return run.skip(std::string(kBusybox) + " is not there; on Debian: apt-get install busybox-static");
    std::string image;
    auto done = run.step("podman has the test image " + std::to_string(version), [&]() -> Result<void> {
        auto imported = import_test_image(run.template use<plugin::ContainerRuntime>(), version);
        if (!imported) return plugin::failure(std::move(imported.error()));
        image = std::move(*imported);
        return {};
    });
    if (!done) return plugin::failure(std::move(done.error()));
    return image;
}

}  // namespace harmony::fleet_e2e
