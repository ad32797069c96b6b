#include <harmony/host/manifest.hpp>
#include <harmony/host/manifest_section.hpp>

#include <cstring>

// The bytes are tried as a manifest and as a file that carries one.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace harmony::host;
    (void)parse_manifest({reinterpret_cast<const char*>(data), size});
    const auto section = find_manifest_section(size, [&](std::uint64_t offset, void* to, std::size_t length) {
        if (offset > size || length > size - offset) return false;
        std::memcpy(to, data + offset, length);
        return true;
    });
    if (section) (void)parse_manifest(*section);
    return 0;
}
