#include "host/engine/plugin_pool.hpp"

#include <harmony/plugin.h>

#include "host/cli/version.hpp"
#include "host/output/document.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

CallResult refuse_call(std::int32_t code, std::string name, std::string summary) {
    return tl::unexpected(CallFailure{code, diagnostic(std::move(name), std::move(summary))});
}

// An event that is not as plugin-api/spec/methods.md has it is taken for plain progress.
std::optional<ScenarioStepNews> step_news(const json& event) {
    const auto step = event.find("step");
    if (step == event.end() || !step->is_object()) return std::nullopt;
    try {
        return ScenarioStepNews{step->at("name").get<std::string>(), step->at("state") == "end",
                                step->value("ok", false), step->value("duration_ms", 0.0) / 1000.0,
                                step->value("detail", "")};
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

std::string text(const json& document) {
    return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

Problem problem_of(const CallFailure& failed) {
    ExitCode exit = ExitCode::Failed;
    if (failed.code == HP_E_INVALID) exit = ExitCode::Usage;
    if (failed.code == HP_E_CANCELLED) exit = ExitCode::Interrupted;
    Problem problem{exit, failed.diagnostic};
    if (problem.diagnostic.code.empty()) problem.diagnostic.code = "plugin.failed";
    if (problem.diagnostic.summary.empty())
        problem.diagnostic.summary = "the plugin failed and gave no reason";
    return problem;
}

CallOptions PluginPool::call_options() const {
    return {options_.timeout, options_.cancellation};
}

PluginProcess& PluginPool::process_of(const CatalogEntry& entry) {
    auto& process = processes_[entry.file];
    if (process) return *process;
    const std::string id = entry.plugin.id;
    PluginProcessOptions options;
    options.path = entry.file;
    options.plugin_id = id;
    options.isolation = options_.isolation;
    options.host_name = std::string("harmony ") + kVersion;
    process = options_.factory(std::move(options), {});
    PluginProcess* self = process.get();
    PluginCallbacks callbacks;
    callbacks.service = [this, self](const ServiceRequest& request) -> CallResult {
        // The plugin's own call is still under way: nothing may be thrown through it.
        try {
            return serve(self, request);
        } catch (const std::exception& error) {
            return refuse_call(
                HP_E_INTERNAL, "host.internal",
                "the host could not answer " + std::string(request.method) + ": " + error.what());
        }
    };
    callbacks.log = [this, id](std::int32_t level, std::string_view line) {
        if (options_.listener != nullptr) options_.listener->plugin_log(id, level, std::string(line));
    };
    callbacks.progress = [this](std::string_view event) {
        const json parsed = json::parse(event, nullptr, false);
        if (options_.listener == nullptr || !parsed.is_object()) return;
        if (const auto step = step_news(parsed)) return options_.listener->scenario_step(*step);
        const auto message = parsed.find("message");
        if (message != parsed.end() && message->is_string())
            options_.listener->plugin_progress(message->get<std::string>());
    };
    process->set_callbacks(std::move(callbacks));
    return *process;
}

tl::expected<void, CallFailure> PluginPool::start(LiveInstance& instance) {
    const InstanceRequest& request = instance.request;
    instance.process = &process_of(*request.entry);
    const json params = {{"kind", request.kind},
                         {"name", request.name},
                         {"settings", request.settings},
                         {"session", request.session}};
    creating_ = request.capabilities;
    auto created = instance.process->create(text(params), call_options());
    creating_.clear();
    if (!created) return tl::unexpected(created.error());
    instance.id = *created;
    allowed_[{instance.process, instance.id}] = request.capabilities;
    return {};
}

CallResult PluginPool::call(LiveInstance& instance, const std::string& method, std::string_view params,
                            const CallOptions& options) {
    auto answer = instance.process->invoke(instance.id, method, params, options);
    if (answer || answer.error().code != HP_E_HANDLE) return answer;
    // Its runner died in an earlier call, which was reported then; nothing of this call has happened yet.
    if (auto started = start(instance); !started) return tl::unexpected(started.error());
    return instance.process->invoke(instance.id, method, params, options);
}

Outcome<Instance> PluginPool::create(InstanceRequest request) {
    auto instance = std::make_shared<LiveInstance>();
    instance->request = std::move(request);
    if (auto started = start(*instance); !started) return tl::unexpected(problem_of(started.error()));
    return instance;
}

Outcome<json> PluginPool::invoke(const Instance& instance, const std::string& method, const json& params) {
    auto answer = call(*instance, method, text(params), call_options());
    if (!answer) return tl::unexpected(problem_of(answer.error()));
    json parsed = json::parse(*answer, nullptr, false);
    if (!parsed.is_object())
        return failure("plugin.bad-answer",
                       instance->request.entry->plugin.id + " answered " + method + " with no JSON object",
                       "this is a defect of the plugin; report it to its author");
    return parsed;
}

void PluginPool::destroy(const Instance& instance) {
    if (!instance) return;
    allowed_.erase({instance->process, instance->id});
    // Whatever goes wrong here, the runner ends with the run.
    [[maybe_unused]] const auto ignored = instance->process->destroy(instance->id, call_options());
}

std::string PluginPool::sha256(const CatalogEntry& entry) const {
    const auto found = processes_.find(entry.file);
    return found == processes_.end() ? std::string() : found->second->sha256();
}

CallResult PluginPool::serve(PluginProcess* from, const ServiceRequest& request) {
    const json params = json::parse(request.params, nullptr, false);
    if (!params.is_object())
        return refuse_call(HP_E_INVALID, "host.bad-request", "the parameters are no object");
    if (request.method == "capability.invoke") return serve_capability(from, request, params);
    if (request.method == "host.score" && score_service_) {
        auto served = score_service_(params);
        if (!served) return tl::unexpected(CallFailure{HP_E_FAILED, served.error()});
        return text(*served);
    }
    if (request.method == "host.output" && output_service_) {
        auto served = output_service_(params);
        if (!served) return tl::unexpected(CallFailure{HP_E_FAILED, served.error()});
        return text(*served);
    }
    return refuse_call(HP_E_METHOD, "host.unknown-method",
                       "the host has no method " + std::string(request.method) + " here");
}

CallResult PluginPool::serve_capability(PluginProcess* from, const ServiceRequest& request,
                                        const json& params) {
    const auto named = params.find("capability");
    const std::string capability =
        named != params.end() && named->is_string() ? named->get<std::string>() : "";
    const auto found = allowed_.find({from, request.instance});
    const auto& allowed = found == allowed_.end() ? creating_ : found->second;
    if (!allowed.contains(capability))
        return refuse_call(HP_E_INVALID, "host.capability-not-declared",
                           "the manifest does not declare that this needs \"" + capability + "\"");
    if (!topology_) return refuse_call(HP_E_FAILED, "host.no-topology", "no topology is in use here");
    return call(*topology_, "capability.invoke", request.params, request.options);
}

}  // namespace harmony::host
