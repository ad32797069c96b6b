#include "in_process.hpp"

#include "loaded_plugin.hpp"
#include "message.hpp"

#include <fcntl.h>

#include <harmony/host/json_text.hpp>
#include <harmony/host/plugin_file.hpp>
#include <map>

namespace harmony::host {
namespace {

class InProcessPlugin final : public PluginProcess, private PluginServices {
 public:
    InProcessPlugin(PluginProcessOptions options, PluginCallbacks callbacks)
        : options_(std::move(options)), callbacks_(std::move(callbacks)) {}
    ~InProcessPlugin() override { end(); }

    tl::expected<InstanceId, CallFailure> create(std::string_view params,
                                                 const CallOptions& options) override {
        auto answer = call("create", 0, "create", params, options);
        if (!answer) return tl::unexpected(std::move(answer.error()));
        return answer->instance;
    }

    CallResult invoke(InstanceId instance, std::string_view method, std::string_view params,
                      const CallOptions& options) override {
        return body_of(call("invoke", instance, method, params, options));
    }

    CallResult destroy(InstanceId instance, const CallOptions& options) override {
        return body_of(call("destroy", instance, "destroy", "{}", options));
    }

    void close() override { end(); }
    std::string sha256() const override { return sha256_; }
    int process_id() const override { return 0; }
    void set_callbacks(PluginCallbacks callbacks) override { callbacks_ = std::move(callbacks); }

 private:
    struct Running {
        InstanceId instance;
        CallOptions options;
        std::int64_t deadline_ns;
    };

    static CallResult body_of(tl::expected<Answer, CallFailure> answer) {
        if (!answer) return tl::unexpected(std::move(answer.error()));
        return std::move(answer->body);
    }

    static CallFailure failure_of(Diagnostic problem) { return {problem.status, std::move(problem)}; }

    std::optional<CallFailure> start() {
        if (plugin_) return std::nullopt;
        auto file = open_plugin_file(options_.path);
        if (!file) return failure_of(file.error());
        sha256_ = file->sha256;
        // Left open for good: the loader knows the library by the descriptor's name.
        const int fd = ::fcntl(file->fd.get(), F_DUPFD_CLOEXEC, 10);
        auto loaded = LoadedPlugin::load(fd, options_.host_name, *this);
        if (!loaded) return failure_of(loaded.error());
        plugin_ = std::move(*loaded);
        return std::nullopt;
    }

    tl::expected<Answer, CallFailure> call(std::string_view op, InstanceId instance, std::string_view method,
                                           std::string_view params, const CallOptions& options) {
        if (auto problem = start()) return tl::unexpected(std::move(*problem));
        const auto id = ++last_id_;
        const std::int64_t deadline =
            options.timeout.count() > 0 ? monotonic_ns() + options.timeout.count() * 1000000 : 0;
        running_[id] = {instance, options, deadline};
        auto answer = plugin_->call(id, op, instance, method, params, deadline);
        running_.erase(id);
        if (answer.code != HP_OK) {
            return tl::unexpected(CallFailure{answer.code, diagnostic_from_text(answer.body, answer.code)});
        }
        if (!to_object(answer.body)) {
            return tl::unexpected(CallFailure{
                HP_E_INTERNAL, diagnostic("plugin.bad-result", "The plugin's answer to " + printable(method) +
                                                                   " is not a JSON object")});
        }
        return answer;
    }

    void end() {
        if (!plugin_) return;
        (void)plugin_->call(0, "shutdown", 0, "shutdown", "{}", 0);
        plugin_.reset();
    }

    Answer invoke(std::uint64_t call_id, std::string_view method, std::string_view params) override {
        const auto caller = running_.find(call_id);
        CallFailure failure{
            HP_E_INVALID,
            diagnostic("host.no-such-call", "The host was called on behalf of a call that does not run")};
        if (caller != running_.end() && callbacks_.service) {
            CallOptions options = caller->second.options;
            if (caller->second.deadline_ns != 0) {
                const auto left = (caller->second.deadline_ns - monotonic_ns()) / 1000000;
                options.timeout = std::chrono::milliseconds(left < 1 ? 1 : left);
            }
            auto result = callbacks_.service({method, params, caller->second.instance, options});
            if (result) return {HP_OK, std::move(*result), 0};
            failure = std::move(result.error());
        }
        return {failure.code, to_text(to_json(failure.diagnostic)), 0};
    }

    void log(std::uint64_t, std::int32_t level, std::string_view message) override {
        if (callbacks_.log) callbacks_.log(level, printable(message, 4096));
    }

    void progress(std::uint64_t, std::string_view event) override {
        if (callbacks_.progress && to_object(event)) callbacks_.progress(event);
    }

    bool cancel_requested(std::uint64_t call_id) override {
        const auto call = running_.find(call_id);
        return call != running_.end() && call->second.options.cancellation != nullptr &&
               call->second.options.cancellation->requested();
    }

    const PluginProcessOptions options_;
    PluginCallbacks callbacks_;
    std::string sha256_;
    std::unique_ptr<LoadedPlugin> plugin_;
    std::map<std::uint64_t, Running> running_;
    std::uint64_t last_id_ = 0;
};

}  // namespace

std::unique_ptr<PluginProcess> make_in_process(PluginProcessOptions options, PluginCallbacks callbacks) {
    return std::make_unique<InProcessPlugin>(std::move(options), std::move(callbacks));
}

}  // namespace harmony::host
