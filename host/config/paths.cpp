#include "host/config/paths.hpp"

#include <pwd.h>
#include <unistd.h>

namespace harmony::host {
namespace {

std::string home(const Environment& environment) {
    if (auto named = environment.get("HOME")) return *named;
    const auto* entry = getpwuid(getuid());
    return entry != nullptr && entry->pw_dir != nullptr ? entry->pw_dir : "/";
}

std::string folder(const Environment& environment, const char* own, const char* xdg, const char* fallback) {
    if (auto named = environment.get(own)) return *named;
    // The XDG specification has relative values ignored.
    if (auto named = environment.get(xdg); named && named->front() == '/') return *named + "/harmony";
    return home(environment) + fallback + "/harmony";
}

}  // namespace

Paths Paths::from(const Environment& environment) {
    return {folder(environment, "HARMONY_CONFIG_HOME", "XDG_CONFIG_HOME", "/.config"),
            folder(environment, "HARMONY_STATE_HOME", "XDG_STATE_HOME", "/.local/state"),
            folder(environment, "HARMONY_DATA_HOME", "XDG_DATA_HOME", "/.local/share"),
            folder(environment, "HARMONY_CACHE_HOME", "XDG_CACHE_HOME", "/.cache")};
}

}  // namespace harmony::host
