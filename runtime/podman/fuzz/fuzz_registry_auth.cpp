#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "harmony/podman/registry_auth.hpp"

using namespace harmony::runtime::podman;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto auths = RegistryAuths::decode(bytes, "fuzz");
    const std::string registry = registry_of(bytes);
    // A short name never gets credentials, whatever the file says.
    if (auths && auths->find(bytes) != nullptr && registry.empty()) std::abort();
    static_cast<void>(is_loopback_registry(bytes));
    return 0;
}
