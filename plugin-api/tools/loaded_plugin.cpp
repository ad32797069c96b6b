#include "loaded_plugin.hpp"

#include <dlfcn.h>

#include <filesystem>

namespace harmony::tools {

using plugin::failure;
using plugin::Json;
using plugin::Result;

namespace {

std::int32_t append(void* context, hp_bytes chunk) {
    if (chunk.length > 0) {
        static_cast<std::string*>(context)->append(reinterpret_cast<const char*>(chunk.data), chunk.length);
    }
    return HP_OK;
}

hp_sink sink_into(std::string& text) {
    return {sizeof(hp_sink), 0, &text, append};
}

hp_bytes bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::int32_t refuse(void* /*context*/, const hp_call* /*call*/) {
    return HP_E_METHOD;
}
void ignore_log(void* /*context*/, std::uint64_t /*call*/, std::int32_t /*level*/, hp_bytes /*message*/) {}
void ignore_progress(void* /*context*/, std::uint64_t /*call*/, hp_bytes /*event*/) {}
std::int32_t not_cancelled(void* /*context*/, std::uint64_t /*call*/) {
    return 0;
}

Result<Json> ask(const hp_plugin& loaded) {
    std::string result;
    std::string diagnostic;
    const hp_sink result_sink = sink_into(result);
    const hp_sink diagnostic_sink = sink_into(diagnostic);
    const hp_call call{sizeof(hp_call), 0, 1, 0, 0, bytes_of("plugin.describe"), bytes_of("{}"), &result_sink,
                       &diagnostic_sink};
    const std::int32_t status = loaded.invoke(loaded.context, &call);
    if (status != HP_OK) {
        return failure("plugin.describe-failed",
                       "plugin.describe ended with result " + std::to_string(status) + ": " + diagnostic);
    }
    return Json::parse(result);
}

}  // namespace

Result<Json> describe_plugin(const std::string& path) {
    // A name without a slash would be looked for on the library path.
    void* library = dlopen(std::filesystem::absolute(path).c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == nullptr) return failure("plugin.not-loadable", dlerror());
    auto entry = reinterpret_cast<hp_entry_fn>(dlsym(library, HP_ENTRY_SYMBOL));
    if (entry == nullptr) return failure("plugin.no-entry", "there is no symbol " HP_ENTRY_SYMBOL);
    const hp_services services{sizeof(hp_services), 0, nullptr, refuse, ignore_log, ignore_progress,
                               not_cancelled};
    const hp_hello hello{sizeof(hp_hello), HP_LEVEL_MIN, HP_LEVEL_MAX, 0, bytes_of("harmony-plugin-manifest"),
                         &services};
    hp_plugin loaded{};
    loaded.size = sizeof(hp_plugin);
    const std::int32_t status = entry(&hello, &loaded);
    if (status != HP_OK) {
        return failure("plugin.entry-failed", "the entry ended with result " + std::to_string(status));
    }
    auto manifest = ask(loaded);
    loaded.shutdown(loaded.context);
    return manifest;
}

}  // namespace harmony::tools
