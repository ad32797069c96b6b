// What a plugin rendered, and what lies in a folder that may come from anywhere.
#include <cstdint>

#include "host/engine/rendered_folder.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto folder = harmony::host::RenderedFolder::parse(text)) {
        for (const auto& entry : folder->files) {
            if (!harmony::host::is_rendered_path(entry.first)) __builtin_trap();
        }
    }
    const auto answer = nlohmann::json::parse(text, nullptr, false);
    if (const auto files = harmony::host::parse_rendering("a plugin", answer)) {
        for (const auto& file : *files) {
            if (file.path.starts_with('/') || file.path.find("..") == 0) __builtin_trap();
        }
    }
    return 0;
}
