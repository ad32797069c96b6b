#include <dlfcn.h>

#include <harmony/plugin/testing/fake_host.hpp>
#include <stdexcept>

#include "../running_call.hpp"

namespace harmony::plugin::testing {

using detail::bytes_of;
using detail::text_of;

// The host's side of the C interface. Nothing here throws into the plugin.
struct FakeHost::Services {
    static FakeHost& self(void* context) { return *static_cast<FakeHost*>(context); }

    static std::int32_t append(void* context, hp_bytes chunk) noexcept {
        static_cast<std::string*>(context)->append(text_of(chunk));
        return HP_OK;
    }
    static hp_sink sink_into(std::string& text) { return {sizeof(hp_sink), 0, &text, append}; }

    static std::int32_t invoke(void* context, const hp_call* call) noexcept {
        auto params = Json::parse(text_of(call->params));
        auto result = params ? self(context).serve(text_of(call->method), *params)
                             : Result<Json>(failure(std::move(params.error())));
        if (result) return detail::write_to(call->result, result->dump());
        detail::write_to(call->diagnostic, detail::diagnostic_json(result.error()).dump());
        return result.error().status;
    }
    static void log(void* context, std::uint64_t /*call*/, std::int32_t level, hp_bytes message) noexcept {
        std::lock_guard lock(self(context).mutex_);
        self(context).logs_.push_back({static_cast<LogLevel>(level), std::string(text_of(message))});
    }
    static void progress(void* context, std::uint64_t call, hp_bytes event) noexcept {
        auto parsed = Json::parse(text_of(event));
        const std::string message = parsed ? (*parsed)["message"].string_or("") : std::string();
        // A step's end repeats the message of its begin.
        const bool repeated = parsed && (*parsed)["step"]["state"].string_or("") == "end";
        FakeHost& host = self(context);
        {
            std::lock_guard lock(host.mutex_);
            if (!repeated) host.progress_.push_back(message);
        }
        if (!host.cancel_on_.empty() && message == host.cancel_on_) {
            host.plugin_.cancel(host.plugin_.context, call);
        }
    }
    static std::int32_t cancelled(void* /*context*/, std::uint64_t /*call*/) noexcept { return 0; }
};

FakeHost::FakeHost(hp_entry_fn entry) {
    services_ = {sizeof(hp_services), 0, this, Services::invoke, Services::log, Services::progress,
                 Services::cancelled};
    const hp_hello hello{sizeof(hp_hello), HP_LEVEL_MIN, HP_LEVEL_MAX, 0, bytes_of("fake host"), &services_};
    plugin_.size = sizeof(hp_plugin);
    const std::int32_t status = entry(&hello, &plugin_);
    if (status != HP_OK) throw std::runtime_error("the plugin's entry returned " + std::to_string(status));
}

std::unique_ptr<FakeHost> FakeHost::load(const std::string& path) {
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == nullptr) throw std::runtime_error(dlerror());
    auto entry = reinterpret_cast<hp_entry_fn>(dlsym(library, HP_ENTRY_SYMBOL));
    if (entry == nullptr) throw std::runtime_error(path + " has no " HP_ENTRY_SYMBOL);
    return std::make_unique<FakeHost>(entry);
}

FakeHost::~FakeHost() {
    if (plugin_.shutdown != nullptr) plugin_.shutdown(plugin_.context);
}

void FakeHost::offer_server(std::string id, std::shared_ptr<detail::CapabilityServer> server) {
    if (!session_.offers(id)) session_.capabilities.push_back(id);
    servers_.insert_or_assign(std::move(id), std::move(server));
}

Result<Json> FakeHost::serve(std::string_view method, const Json& params) {
    auto scripted = answers_.find(method);
    if (scripted != answers_.end()) return scripted->second(params);
    if (method != "capability.invoke") {
        return failure(Diagnostic{.code = "fake.unknown-method",
                                  .summary = "the fake host has no answer for " + std::string(method),
                                  .status = HP_E_METHOD});
    }
    const std::string id = params["capability"].string_or("");
    auto server = servers_.find(id);
    if (server == servers_.end()) return invalid_parameter("capability", id + " is not offered in this test");
    return server->second->dispatch(params["method"].string_or(""), params["params"]);
}

Result<Json> FakeHost::run(std::uint64_t instance, std::string_view method, std::string_view params,
                           const std::function<std::int32_t(const hp_call&)>& body) {
    std::string result;
    std::string problem;
    const hp_sink result_sink = Services::sink_into(result);
    const hp_sink problem_sink = Services::sink_into(problem);
    std::int64_t deadline = 0;
    if (timeout_.count() > 0) {
        const auto at = Call::Clock::now().time_since_epoch() + timeout_;
        deadline = std::chrono::duration_cast<std::chrono::nanoseconds>(at).count();
    }
    const hp_call call{sizeof(hp_call),  0,
                       next_call_++,     instance,
                       deadline,         bytes_of(method),
                       bytes_of(params), &result_sink,
                       &problem_sink};
    const std::int32_t status = body(call);
    if (status != HP_OK) return failure(detail::diagnostic_from(problem, status));
    return Json::parse(result);
}

Result<std::uint64_t> FakeHost::create(std::string_view kind, std::string_view name, Json settings) {
    const std::string params = Json::object({{"kind", kind},
                                             {"name", name},
                                             {"settings", std::move(settings)},
                                             {"session", to_json(session_)}})
                                   .dump();
    std::uint64_t handle = 0;
    auto made = run(0, "create", params,
                    [&](const hp_call& call) { return plugin_.create(plugin_.context, &call, &handle); });
    if (!made) return failure(std::move(made.error()));
    return handle;
}

Result<Json> FakeHost::invoke(std::uint64_t instance, std::string_view method, const Json& params) {
    return invoke_text(instance, method, params.dump());
}

Result<Json> FakeHost::invoke_text(std::uint64_t instance, std::string_view method, std::string_view params) {
    return run(instance, method, params,
               [&](const hp_call& call) { return plugin_.invoke(plugin_.context, &call); });
}

std::int32_t FakeHost::destroy(std::uint64_t instance) {
    return plugin_.destroy(plugin_.context, instance);
}

Result<ScoreHandle> FakeHost::score(std::string_view name, Json settings) {
    auto handle = create("score", name, std::move(settings));
    if (!handle) return failure(std::move(handle.error()));
    return ScoreHandle(*this, *handle);
}

Result<CommandResult> FakeHost::command(std::string_view path, Json arguments) {
    auto handle = create("command", path);
    if (!handle) return failure(std::move(handle.error()));
    auto result = invoke(*handle, "command.run",
                         Json::object({{"arguments", std::move(arguments)}, {"interactive", false}}));
    destroy(*handle);
    if (!result) return failure(std::move(result.error()));
    return from_json<CommandResult>(*result);
}

Result<ScenarioResult> FakeHost::scenario(std::string_view name, Json parameters) {
    auto handle = create("scenario", name, std::move(parameters));
    if (!handle) return failure(std::move(handle.error()));
    auto result = invoke(*handle, "scenario.run", Json::object({{"keep", false}}));
    destroy(*handle);
    if (!result) return failure(std::move(result.error()));
    return from_json<ScenarioResult>(*result);
}

namespace {

template <class T>
Result<T> member_of(Result<Json> result, std::string_view name) {
    if (!result) return failure(std::move(result.error()));
    return from_json<T>((*result)[name]);
}

}  // namespace

Result<std::vector<Offer>> FakeHost::probe(std::uint64_t topology) {
    return member_of<std::vector<Offer>>(invoke(topology, "topology.probe", Json::object()), "offers");
}

Result<Json> FakeHost::capability(std::uint64_t topology, std::string_view capability,
                                  std::string_view method, const Json& params) {
    return invoke(topology, "capability.invoke",
                  Json::object({{"capability", capability}, {"method", method}, {"params", params}}));
}

std::vector<LogLine> FakeHost::logs() const {
    std::lock_guard lock(mutex_);
    return logs_;
}

std::vector<std::string> FakeHost::progress() const {
    std::lock_guard lock(mutex_);
    return progress_;
}

Result<void> ScoreHandle::validate() {
    auto result = host_->invoke(handle_, "score.validate", Json::object());
    if (!result) return failure(std::move(result.error()));
    return {};
}

Result<std::vector<Object>> ScoreHandle::read() {
    return member_of<std::vector<Object>>(host_->invoke(handle_, "score.read", Json::object()), "objects");
}

Result<Plan> ScoreHandle::plan(const PlanRequest& request) {
    auto result = host_->invoke(handle_, "score.plan", to_json(request));
    if (!result) return failure(std::move(result.error()));
    return from_json<Plan>(*result);
}

Result<void> ScoreHandle::apply(const Step& step) {
    auto result = host_->invoke(handle_, "score.apply", Json::object({{"step", to_json(step)}}));
    if (!result) return failure(std::move(result.error()));
    return {};
}

Result<std::vector<Check>> ScoreHandle::verify() {
    return member_of<std::vector<Check>>(host_->invoke(handle_, "score.verify", Json::object()), "checks");
}

Result<void> ScoreHandle::destroy(const Step& step) {
    auto result = host_->invoke(handle_, "score.destroy", Json::object({{"step", to_json(step)}}));
    if (!result) return failure(std::move(result.error()));
    return {};
}

Result<int> ScoreHandle::apply_all() {
    if (auto valid = validate(); !valid) return failure(valid.error());
    auto first = plan();
    if (!first) return failure(first.error());
    for (const auto& step : first->steps) {
        if (auto applied = apply(step); !applied) return failure(applied.error());
    }
    auto checks = verify();
    if (!checks) return failure(checks.error());
    for (const auto& check : *checks) {
        if (!check.ok) return failure("fake.not-verified", check.name + ": " + check.detail);
    }
    auto again = plan();
    if (!again) return failure(again.error());
    if (!again->steps.empty()) {
        return failure("fake.not-idempotent",
                       "the plan after an apply has the step " + again->steps.front().id);
    }
    return static_cast<int>(first->steps.size());
}

Result<std::vector<RenderedFile>> ScoreHandle::render(const std::string& format) {
    return member_of<std::vector<RenderedFile>>(
        host_->invoke(handle_, "score.render", to_json(RenderRequest{format})), "files");
}

Result<int> ScoreHandle::destroy_all(bool delete_data) {
    const PlanRequest request{.purpose = Purpose::Destroy, .delete_data = delete_data};
    auto first = plan(request);
    if (!first) return failure(first.error());
    for (const auto& step : first->steps) {
        if (auto done = destroy(step); !done) return failure(done.error());
    }
    auto again = plan(request);
    if (!again) return failure(again.error());
    if (!again->steps.empty()) {
        return failure("fake.not-idempotent",
                       "the plan after a destroy has the step " + again->steps.front().id);
    }
    return static_cast<int>(first->steps.size());
}

}  // namespace harmony::plugin::testing
