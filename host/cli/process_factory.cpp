#include "host/cli/process_factory.hpp"

namespace harmony::host {

ProcessFactory real_process_factory() {
    return [](PluginProcessOptions options, PluginCallbacks callbacks) {
        return make_plugin_process(std::move(options), std::move(callbacks));
    };
}

}  // namespace harmony::host
