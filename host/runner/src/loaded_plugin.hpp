// A plugin mapped into this process, spoken to over its C interface. Used by the runner and, without a
// process between, by Isolation::None: both see the same bytes.
#pragma once

#include <harmony/plugin.h>
#include <atomic>
#include <cstdint>
#include <functional>
#include <harmony/host/diagnostics.hpp>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

namespace harmony::host {

// What one call gave.
struct Answer {
    std::int32_t code = HP_OK;
    std::string body;  // the result object, or the diagnostic object; JSON text, may be empty or malformed
    std::uint64_t instance = 0;
};

// Where the plugin's own calls go. Methods are called from any thread of the plugin.
class PluginServices {
 public:
    virtual ~PluginServices() = default;
    virtual Answer invoke(std::uint64_t call_id, std::string_view method, std::string_view params) = 0;
    virtual void log(std::uint64_t call_id, std::int32_t level, std::string_view message) = 0;
    virtual void progress(std::uint64_t call_id, std::string_view event) = 0;
    // Besides LoadedPlugin::cancel().
    virtual bool cancel_requested(std::uint64_t) { return false; }
};

class LoadedPlugin {
 public:
    // Loads what fd holds, shakes hands, and compares plugin.describe with the manifest in the file. fd stays
    // open: the loader knows libraries by name, and the name is the descriptor's. The library is never
    // unloaded. Codes: plugin.load-failed, plugin.level, plugin.manifest-differs and those of
    // read_manifest_section(). `services` outlives the result.
    static Result<std::unique_ptr<LoadedPlugin>> load(int fd, const std::string& host_name,
                                                      PluginServices& services);

    [[nodiscard]] std::uint32_t level() const { return plugin_.level; }

    // op: create, invoke, destroy or shutdown. deadline_ns as in hp_call.
    [[nodiscard]] Answer call(std::uint64_t id, std::string_view op, std::uint64_t instance,
                              std::string_view method, std::string_view params, std::int64_t deadline_ns);

    // Any thread. A call can be cancelled from here on, also before call() begins it.
    void announce(std::uint64_t id, std::int64_t deadline_ns);
    // Any thread.
    void cancel(std::uint64_t id);

 private:
    explicit LoadedPlugin(PluginServices& services);
    Result<void> shake_hands(int fd, const std::string& host_name);
    Result<void> compare_manifest(int fd);
    [[nodiscard]] bool is_cancelled(std::uint64_t id);
    void finish(std::uint64_t id);

    static std::int32_t on_invoke(void* context, const hp_call* call);
    static void on_log(void* context, std::uint64_t call_id, std::int32_t level, hp_bytes message);
    static void on_progress(void* context, std::uint64_t call_id, hp_bytes event);
    static std::int32_t on_cancelled(void* context, std::uint64_t call_id);

    struct Running {
        std::uint64_t id;
        std::int64_t deadline_ns;
        bool operator<(const Running& other) const { return id < other.id; }
    };

    PluginServices& services_;
    hp_services table_{};
    hp_plugin plugin_{};
    std::mutex mutex_;
    std::set<Running> running_;
    std::set<std::uint64_t> cancelled_;
};

[[nodiscard]] std::int64_t monotonic_ns();

}  // namespace harmony::host
