// Where things live: XDG folders, each with one overriding variable.
#pragma once

#include <string>

#include "host/config/environment.hpp"

namespace harmony::host {

struct Paths {
    std::string config;  // HARMONY_CONFIG_HOME, else $XDG_CONFIG_HOME/harmony, else ~/.config/harmony
    std::string state;   // HARMONY_STATE_HOME, else $XDG_STATE_HOME/harmony, else ~/.local/state/harmony
    std::string data;    // HARMONY_DATA_HOME, else $XDG_DATA_HOME/harmony, else ~/.local/share/harmony
    std::string cache;   // HARMONY_CACHE_HOME, else $XDG_CACHE_HOME/harmony, else ~/.cache/harmony

    [[nodiscard]] static Paths from(const Environment& environment);

    [[nodiscard]] std::string contexts_file() const { return config + "/contexts.yaml"; }
    [[nodiscard]] std::string context_state(const std::string& context) const {
        return state + "/contexts/" + context;
    }
};

}  // namespace harmony::host
