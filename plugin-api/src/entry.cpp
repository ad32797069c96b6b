// The C side of a plugin: the thunks behind hp_plugin. Nothing thrown passes them.
#include <algorithm>
#include <exception>
#include <map>
#include <string>

#include "instance_table.hpp"
#include "manifest.hpp"
#include "running_call.hpp"

namespace harmony::plugin::detail {

namespace {

struct PluginContext {
    Contributions contributions;
    Json manifest;
    const hp_services* services = nullptr;
    InstanceTable instances;
    std::mutex calls_mutex;
    std::map<std::uint64_t, RunningCall*> calls;
};

// Makes a call known to cancel() while it runs.
class CallScope {
 public:
    CallScope(PluginContext& plugin, RunningCall& call) : plugin_(plugin), call_(call) {
        std::lock_guard lock(plugin_.calls_mutex);
        plugin_.calls.insert_or_assign(call_.id(), &call_);
    }
    CallScope(const CallScope&) = delete;
    CallScope& operator=(const CallScope&) = delete;
    ~CallScope() {
        std::lock_guard lock(plugin_.calls_mutex);
        auto found = plugin_.calls.find(call_.id());
        if (found != plugin_.calls.end() && found->second == &call_) plugin_.calls.erase(found);
    }

 private:
    PluginContext& plugin_;
    RunningCall& call_;
};

std::int32_t report(const hp_call& call, Diagnostic diagnostic) {
    const bool known = diagnostic.status > HP_OK && diagnostic.status <= HP_E_INTERNAL;
    const std::int32_t status = known ? diagnostic.status : HP_E_FAILED;
    write_to(call.diagnostic, diagnostic_json(diagnostic).dump());
    return status;
}

std::int32_t report(const hp_call& call, std::int32_t status, std::string code, std::string summary) {
    return report(call, Diagnostic{.code = std::move(code), .summary = std::move(summary), .status = status});
}

bool complete(const hp_call* call) {
    return call != nullptr && HARMONY_HAS_MEMBER(call, hp_call, diagnostic);
}

std::int32_t deliver(const hp_call& call, const RunningCall& running, Result<Json> result) {
    if (!result) {
        Diagnostic diagnostic = std::move(result.error());
        if (diagnostic.status == HP_E_CANCELLED && running.deadline_passed()) {
            diagnostic.status = HP_E_DEADLINE;
            diagnostic.code = "call.deadline";
            diagnostic.summary = "the deadline of the call passed";
        }
        return report(call, std::move(diagnostic));
    }
    const std::string text = result->dump();
    std::int32_t status = HP_E_TOO_LARGE;
    if (text.size() <= kMaxMessageBytes) status = write_to(call.result, text);
    if (status == HP_OK) return HP_OK;
    return report(call, HP_E_TOO_LARGE, "plugin.result-too-large",
                  "the result has " + std::to_string(text.size()) + " bytes, more than the caller takes");
}

// Decodes the parameters, runs body(params, running call) and delivers what it returns or throws.
template <class Body>
std::int32_t answer_call(PluginContext& plugin, const hp_call& call, Body body) noexcept {
    try {
        RunningCall running(plugin.services, call);
        CallScope scope(plugin, running);
        const std::string_view text = text_of(call.params);
        if (text.size() > kMaxMessageBytes) {
            return report(call, HP_E_INVALID, "plugin.params-too-large", "the parameters exceed 16 MiB");
        }
        auto params = Json::parse(text.empty() ? std::string_view("{}") : text);
        if (!params || !params->is_object()) {
            const std::string why =
                params ? "they are " + std::string(params->type_name()) : params.error().summary;
            return report(call, HP_E_INVALID, "plugin.bad-params",
                          "the parameters are no JSON object: " + why);
        }
        return deliver(call, running, body(*params, running));
    } catch (const std::exception& error) {
        try {
            return report(call, HP_E_INTERNAL, "plugin.exception",
                          std::string("an exception was stopped at the plugin's boundary: ") + error.what());
        } catch (...) {
            return HP_E_INTERNAL;
        }
    } catch (...) {
        try {
            return report(call, HP_E_INTERNAL, "plugin.exception",
                          "an exception of unknown type was stopped at the plugin's boundary");
        } catch (...) {
            return HP_E_INTERNAL;
        }
    }
}

Result<std::unique_ptr<Instance>> make_instance(PluginContext& plugin, const Json& params,
                                                RunningCall& call) {
    const std::string kind = params["kind"].string_or("");
    const std::string name = params["name"].string_or("");
    for (const auto& each : plugin.contributions.list) {
        if (each.kind != kind || each.name != name) continue;
        const Json* given = params.find("settings");
        const Json settings = given != nullptr ? *given : Json::object();
        auto session = from_json<Session>(params["session"].is_null() ? Json::object() : params["session"]);
        if (!session) return failure(std::move(session.error()));
        return each.create(Creation{.settings = settings, .session = *session, .call = call});
    }
    return failure(Diagnostic{.code = "plugin.unknown-contribution",
                              .summary = "this plugin has no " + kind + " named " + name,
                              .status = HP_E_METHOD});
}

std::int32_t create(void* context, const hp_call* call, std::uint64_t* instance) noexcept {
    if (context == nullptr || !complete(call) || instance == nullptr) return HP_E_INTERNAL;
    auto& plugin = *static_cast<PluginContext*>(context);
    std::uint64_t handle = 0;
    const std::int32_t status =
        answer_call(plugin, *call, [&](const Json& params, RunningCall& running) -> Result<Json> {
            auto made = make_instance(plugin, params, running);
            if (!made) return failure(std::move(made.error()));
            handle = plugin.instances.add(std::move(*made));
            return Json::object();
        });
    if (status == HP_OK) *instance = handle;
    if (status != HP_OK && handle != 0) plugin.instances.remove(handle);
    return status;
}

std::int32_t invoke(void* context, const hp_call* call) noexcept {
    if (context == nullptr || !complete(call)) return HP_E_INTERNAL;
    auto& plugin = *static_cast<PluginContext*>(context);
    return answer_call(plugin, *call, [&](const Json& params, RunningCall& running) -> Result<Json> {
        const std::string_view method = text_of(call->method);
        if (method == "plugin.describe") return plugin.manifest;
        auto instance = plugin.instances.find(call->instance);
        if (instance == nullptr && call->instance == 0) return unknown_method(method);
        if (instance == nullptr) {
            return failure(Diagnostic{.code = "plugin.stale-handle",
                                      .summary = "there is no such instance, or it was destroyed",
                                      .status = HP_E_HANDLE});
        }
        return instance->invoke(method, params, running);
    });
}

void cancel(void* context, std::uint64_t call_id) noexcept {
    if (context == nullptr) return;
    auto& plugin = *static_cast<PluginContext*>(context);
    std::lock_guard lock(plugin.calls_mutex);
    auto found = plugin.calls.find(call_id);
    if (found != plugin.calls.end()) found->second->cancel();
}

std::int32_t destroy(void* context, std::uint64_t instance) noexcept {
    if (context == nullptr) return HP_E_INTERNAL;
    try {
        return static_cast<PluginContext*>(context)->instances.remove(instance) ? HP_OK : HP_E_HANDLE;
    } catch (...) {
        return HP_E_INTERNAL;
    }
}

void shutdown(void* context) noexcept {
    delete static_cast<PluginContext*>(context);
}

void fill(hp_plugin& out, std::uint32_t level, PluginContext* plugin) {
    out.level = level;
    out.context = plugin;
    out.create = create;
    out.invoke = invoke;
    out.cancel = cancel;
    out.destroy = destroy;
    out.shutdown = shutdown;
}

}  // namespace

std::int32_t enter(const hp_hello* hello, hp_plugin* out, Contributions (*make)()) noexcept {
    if (hello == nullptr || out == nullptr || !HARMONY_HAS_MEMBER(hello, hp_hello, services) ||
        !HARMONY_HAS_MEMBER(out, hp_plugin, shutdown)) {
        return HP_E_INTERNAL;
    }
    out->level_min = HP_LEVEL_MIN;
    out->level_max = HP_LEVEL_MAX;
    const std::uint32_t level = std::min(hello->level_max, std::uint32_t{HP_LEVEL_MAX});
    if (level < std::max(hello->level_min, std::uint32_t{HP_LEVEL_MIN})) return HP_E_LEVEL;
    try {
        auto plugin = std::make_unique<PluginContext>();
        plugin->contributions = make();
        plugin->manifest = manifest_of(plugin->contributions);
        plugin->services = hello->services;
        fill(*out, level, plugin.release());
        return HP_OK;
    } catch (...) {
        return HP_E_INTERNAL;
    }
}

}  // namespace harmony::plugin::detail
