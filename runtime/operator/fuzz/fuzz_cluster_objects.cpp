// What a cluster holds may have been written by anybody: Deployments, ConfigMaps, and the records in them.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "harmony/operator/cluster_objects.hpp"
#include "harmony/operator/kept_rollout.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto object = nlohmann::json::parse(text, nullptr, false);
    if (!object.is_discarded()) {
        static_cast<void>(harmony::op::read_deployment(object));
        static_cast<void>(harmony::op::read_rollout_object(object));
    }
    const auto kept = harmony::op::decode_rollout(text, [&](const std::string&) { return &text; });
    if (!kept) return 0;
    const auto again = harmony::op::encode_rollout(*kept);
    const auto part = [&](const std::string& name) -> const std::string* {
        const auto found = again.parts.find(name);
        return found == again.parts.end() ? &text : &found->second;
    };
    const auto read = harmony::op::decode_rollout(again.header, part);
    if (!read || read->record.version != kept->record.version) __builtin_trap();
    return 0;
}
