#include <cstddef>
#include <cstdint>

#include "harmony/kubernetes/access.hpp"

using namespace harmony::runtime::kubernetes;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto read = [](const std::string&) -> Answer<std::string> { return std::string("contents"); };
    static_cast<void>(parse_kubeconfig({{"/config", text}}, {}, read));
    static_cast<void>(parse_kubeconfig({{"/config", text}, {"/other", text}}, "edge", read));
    return 0;
}
