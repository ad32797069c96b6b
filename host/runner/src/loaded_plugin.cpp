#include "loaded_plugin.hpp"

#include "frame.hpp"
#include "message.hpp"

#include <dlfcn.h>
#include <boost/dll/shared_library.hpp>
#include <ctime>
#include <harmony/host/manifest.hpp>
#include <harmony/host/manifest_section.hpp>

namespace harmony::host {
namespace {

std::string_view view(hp_bytes bytes) {
    return bytes.length == 0 || bytes.data == nullptr
               ? std::string_view()
               : std::string_view(reinterpret_cast<const char*>(bytes.data), bytes.length);
}

hp_bytes bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::int32_t append(void* context, hp_bytes chunk) {
    auto& into = *static_cast<std::string*>(context);
    if (chunk.length > kMaxResultBytes || into.size() > kMaxResultBytes - chunk.length) return HP_E_TOO_LARGE;
    into += view(chunk);
    return HP_OK;
}

hp_sink sink_into(std::string& text) {
    hp_sink sink{};
    sink.size = sizeof sink;
    sink.context = &text;
    sink.write = &append;
    return sink;
}

std::string diagnostic_text(std::string code, std::string summary) {
    return to_text(to_json(diagnostic(std::move(code), std::move(summary))));
}

Result<hp_entry_fn> find_entry(int fd) {
    // Resolved at once, so that a missing symbol is known now; private, so that two plugins never bind to
    // each other; never unloaded, because threads and thread-local destructors may outlive the last call.
    const auto mode = static_cast<boost::dll::load_mode::type>(RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    try {
        const boost::dll::shared_library library(path, mode);
        // Reading a function's address through Boost needs its type; the object is released by NODELETE's
        // leave.
        return &library.get<std::int32_t(const hp_hello*, hp_plugin*)>(HP_ENTRY_SYMBOL);
    } catch (const std::exception& error) {
        return refuse(
            "plugin.load-failed", std::string("The plugin can't be loaded: ") + error.what(),
            "Build it again for this machine; every symbol it needs has to be in it or in a library "
            "that it names.");
    }
}

}  // namespace

std::int64_t monotonic_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1000000000 + now.tv_nsec;
}

LoadedPlugin::LoadedPlugin(PluginServices& services) : services_(services) {
    table_.size = sizeof table_;
    table_.context = this;
    table_.invoke = &on_invoke;
    table_.log = &on_log;
    table_.progress = &on_progress;
    table_.cancelled = &on_cancelled;
    plugin_.size = sizeof plugin_;
}

Result<std::unique_ptr<LoadedPlugin>> LoadedPlugin::load(int fd, const std::string& host_name,
                                                         PluginServices& services) {
    std::unique_ptr<LoadedPlugin> plugin(new LoadedPlugin(services));
    if (auto done = plugin->shake_hands(fd, host_name); !done) return tl::unexpected(done.error());
    if (auto done = plugin->compare_manifest(fd); !done) return tl::unexpected(done.error());
    return plugin;
}

Result<void> LoadedPlugin::shake_hands(int fd, const std::string& host_name) {
    const auto entry = find_entry(fd);
    if (!entry) return tl::unexpected(entry.error());
    const auto& support = HostSupport::current();
    hp_hello hello{};
    hello.size = sizeof hello;
    hello.level_min = support.level_min;
    hello.level_max = support.level_max;
    hello.host = bytes_of(host_name);
    hello.services = &table_;
    const std::int32_t code = (*entry)(&hello, &plugin_);
    if (code == HP_E_LEVEL) {
        auto found =
            diagnostic("plugin.level",
                       "The plugin speaks levels " + std::to_string(plugin_.level_min) + " to " +
                           std::to_string(plugin_.level_max) + " of the plugin interface, this harmony " +
                           std::to_string(support.level_min) + " to " + std::to_string(support.level_max),
                       "Update whichever of the two is older.");
        found.status = HP_E_LEVEL;
        return tl::unexpected(found);
    }
    const bool complete = plugin_.create != nullptr && plugin_.invoke != nullptr &&
                          plugin_.cancel != nullptr && plugin_.destroy != nullptr &&
                          plugin_.shutdown != nullptr;
    const bool level_is_ours = plugin_.level >= support.level_min && plugin_.level <= support.level_max;
    if (code != HP_OK || !complete || !level_is_ours) {
        return refuse("plugin.load-failed",
                      "The plugin's entry function did not fill in its part of the handshake "
                      "(result " +
                          std::to_string(code) + ", level " + std::to_string(plugin_.level) + ")",
                      "It is a bug of the plugin: report it to its author.");
    }
    return {};
}

Result<void> LoadedPlugin::compare_manifest(int fd) {
    const auto section = read_manifest_section(fd);
    if (!section) return tl::unexpected(section.error());
    auto embedded = to_object(*section);
    const auto answer = call(0, "invoke", 0, "plugin.describe", "{}", 0);
    auto described = answer.code == HP_OK ? to_object(answer.body) : std::nullopt;
    if (!embedded || !described) {
        return refuse("plugin.manifest-differs",
                      "The plugin can't describe itself: found result " + std::to_string(answer.code) +
                          ", expected its manifest",
                      "It is a bug of the plugin: report it to its author.");
    }
    // Known only once it is linked, so the build adds them to the section.
    for (const char* key : {"target", "needs"}) {
        embedded->erase(key);
        described->erase(key);
    }
    if (*embedded == *described) return {};
    std::string different;
    for (const auto& [key, value] : embedded->items()) {
        if (!described->contains(key) || (*described)[key] != value)
            different += (different.empty() ? "" : ", ") + key;
    }
    for (const auto& [key, value] : described->items()) {
        if (!embedded->contains(key)) different += (different.empty() ? "" : ", ") + key;
    }
    return refuse(
        "plugin.manifest-differs",
        "The manifest in the plugin's file is not the one its code describes: they differ in " + different,
        "The file was changed after it was built: build or install it again.");
}

bool LoadedPlugin::is_cancelled(std::uint64_t id) {
    if (services_.cancel_requested(id)) return true;
    const std::lock_guard lock(mutex_);
    if (cancelled_.contains(id)) return true;
    const auto running = running_.find({id, 0});
    return running != running_.end() && running->deadline_ns != 0 && monotonic_ns() >= running->deadline_ns;
}

void LoadedPlugin::cancel(std::uint64_t id) {
    {
        const std::lock_guard lock(mutex_);
        if (!running_.contains({id, 0})) return;
    }
    plugin_.cancel(plugin_.context, id);
    const std::lock_guard lock(mutex_);
    if (running_.contains({id, 0})) cancelled_.insert(id);
}

void LoadedPlugin::announce(std::uint64_t id, std::int64_t deadline_ns) {
    const std::lock_guard lock(mutex_);
    running_.insert({id, deadline_ns});
}

Answer LoadedPlugin::call(std::uint64_t id, std::string_view op, std::uint64_t instance,
                          std::string_view method, std::string_view params, std::int64_t deadline_ns) {
    if (op == "shutdown") {
        plugin_.shutdown(plugin_.context);
        return {HP_OK, "{}", 0};
    }
    if (op == "destroy") {
        const auto code = plugin_.destroy(plugin_.context, instance);
        return {code, code == HP_OK ? "{}" : "", 0};
    }
    if (op != "create" && op != "invoke") {
        return {HP_E_METHOD, diagnostic_text("plugin.protocol", "There is no such operation"), 0};
    }
    announce(id, deadline_ns);
    if (is_cancelled(id)) {
        finish(id);
        return {HP_E_CANCELLED, diagnostic_text("call.cancelled", "The call was cancelled before it began"),
                0};
    }
    std::string result;
    std::string problem;
    const hp_sink result_sink = sink_into(result);
    const hp_sink problem_sink = sink_into(problem);
    hp_call call{};
    call.size = sizeof call;
    call.id = id;
    call.instance = instance;
    call.deadline_ns = deadline_ns;
    call.method = bytes_of(op == "create" ? std::string_view("create") : method);
    call.params = bytes_of(params);
    call.result = &result_sink;
    call.diagnostic = &problem_sink;
    Answer answer;
    answer.code = op == "create" ? plugin_.create(plugin_.context, &call, &answer.instance)
                                 : plugin_.invoke(plugin_.context, &call);
    answer.body = answer.code == HP_OK ? std::move(result) : std::move(problem);
    finish(id);
    return answer;
}

void LoadedPlugin::finish(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    running_.erase({id, 0});
    cancelled_.erase(id);
}

std::int32_t LoadedPlugin::on_invoke(void* context, const hp_call* call) {
    auto& self = *static_cast<LoadedPlugin*>(context);
    try {
        const auto answer = self.services_.invoke(call->id, view(call->method), view(call->params));
        const hp_sink* sink = answer.code == HP_OK ? call->result : call->diagnostic;
        if (sink != nullptr && sink->write != nullptr) {
            const auto written = sink->write(sink->context, bytes_of(answer.body));
            if (answer.code == HP_OK && written != HP_OK) return written;
        }
        return answer.code;
    } catch (...) {
        return HP_E_INTERNAL;
    }
}

void LoadedPlugin::on_log(void* context, std::uint64_t call_id, std::int32_t level, hp_bytes message) {
    try {
        static_cast<LoadedPlugin*>(context)->services_.log(call_id, level, view(message));
    } catch (...) {
        // A lost log line is better than an exception in the plugin's frames.
    }
}

void LoadedPlugin::on_progress(void* context, std::uint64_t call_id, hp_bytes event) {
    try {
        static_cast<LoadedPlugin*>(context)->services_.progress(call_id, view(event));
    } catch (...) {
        // As above.
    }
}

std::int32_t LoadedPlugin::on_cancelled(void* context, std::uint64_t call_id) {
    try {
        return static_cast<LoadedPlugin*>(context)->is_cancelled(call_id) ? 1 : 0;
    } catch (...) {
        return 0;
    }
}

}  // namespace harmony::host
