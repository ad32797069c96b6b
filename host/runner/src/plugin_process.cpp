#include <harmony/host/plugin_process.hpp>

#include "in_process.hpp"
#include "runner_connection.hpp"

#include <harmony/plugin.h>
#include <harmony/host/plugin_file.hpp>

#include <map>
#include <utility>

namespace harmony::host {
namespace {

// A plugin that dies this often in a run is not started again (D19).
constexpr int kDeathsAllowed = 1;

// Deaths of each content, for the whole run: a second PluginProcess of the same file counts on.
std::map<std::string, int>& deaths() {
    static std::map<std::string, int> counts;
    return counts;
}

class RunnerPlugin final : public PluginProcess {
 public:
    RunnerPlugin(PluginProcessOptions options, PluginCallbacks callbacks)
        : options_(std::move(options)), callbacks_(std::move(callbacks)) {}

    tl::expected<InstanceId, CallFailure> create(std::string_view params,
                                                 const CallOptions& options) override {
        if (auto problem = start()) return tl::unexpected(std::move(*problem));
        auto answer = call({"create", 0, "create", params, 0}, options);
        if (!answer) return tl::unexpected(std::move(answer.error()));
        const InstanceId id = ++last_instance_;
        instances_[id] = answer->handle;
        return id;
    }

    CallResult invoke(InstanceId instance, std::string_view method, std::string_view params,
                      const CallOptions& options) override {
        std::uint64_t handle = 0;
        if (instance != 0) {
            const auto found = instances_.find(instance);
            if (found == instances_.end()) return tl::unexpected(stale());
            handle = found->second;
        } else if (auto problem = start()) {
            return tl::unexpected(std::move(*problem));
        }
        auto answer = call({"invoke", handle, method, params, instance}, options);
        if (!answer) return tl::unexpected(std::move(answer.error()));
        return std::move(answer->result);
    }

    CallResult destroy(InstanceId instance, const CallOptions& options) override {
        const auto found = instances_.find(instance);
        if (found == instances_.end()) return tl::unexpected(stale());
        const auto handle = found->second;
        instances_.erase(found);
        auto answer = call({"destroy", handle, "destroy", "{}", instance}, options);
        if (!answer) return tl::unexpected(std::move(answer.error()));
        return std::string("{}");
    }

    void close() override {
        if (connection_) connection_->close();
        forget();
    }

    std::string sha256() const override { return sha256_; }
    int process_id() const override { return connection_ ? connection_->process_id() : 0; }
    void set_callbacks(PluginCallbacks callbacks) override { callbacks_ = std::move(callbacks); }

 private:
    std::optional<CallFailure> start() {
        if (connection_ && connection_->alive()) return std::nullopt;
        auto file = open_plugin_file(options_.path);
        if (!file) return CallFailure{file.error().status, file.error()};
        sha256_ = file->sha256;
        if (deaths()[sha256_] > kDeathsAllowed) return quarantined();
        auto started = RunnerConnection::start(options_, *file, callbacks_);
        if (!started) {
            const bool died = started.error().diagnostic.code == "plugin.crashed";
            if (died) count_death(started.error());
            return std::move(started.error());
        }
        connection_ = std::move(*started);
        return std::nullopt;
    }

    RunnerResult call(const RunnerCall& request, const CallOptions& options) {
        const auto connection = connection_;  // a nested call that finds it dead lets go of it
        auto answer = connection->call(request, options);
        if (!connection->alive() && connection_ == connection) {
            if (connection->died() && !answer) count_death(answer.error());
            forget();
        }
        return answer;
    }

    void count_death(CallFailure& failure) {
        if (++deaths()[sha256_] <= kDeathsAllowed) return;
        failure.diagnostic.hint =
            "It died twice in this run and is not started again. " + failure.diagnostic.hint;
    }

    void forget() {
        connection_.reset();
        instances_.clear();
    }

    CallFailure quarantined() const {
        auto problem = diagnostic(
            "plugin.quarantined",
            "The plugin " + options_.plugin_id + " died twice in this run and is not started again",
            "The first failures say why; the file is " + options_.path + ".");
        problem.status = HP_E_FAILED;
        return {HP_E_FAILED, problem};
    }

    CallFailure stale() const {
        auto problem =
            diagnostic("plugin.instance-gone", "The instance of " + options_.plugin_id +
                                                   " does not exist any more: the plugin was ended since");
        problem.status = HP_E_HANDLE;
        return {HP_E_HANDLE, problem};
    }

    const PluginProcessOptions options_;
    PluginCallbacks callbacks_;
    std::string sha256_;
    std::shared_ptr<RunnerConnection> connection_;
    std::map<InstanceId, std::uint64_t> instances_;  // to the plugin's handles
    InstanceId last_instance_ = 0;
};

}  // namespace

std::unique_ptr<PluginProcess> make_plugin_process(PluginProcessOptions options, PluginCallbacks callbacks) {
    if (options.isolation == Isolation::None)
        return make_in_process(std::move(options), std::move(callbacks));
    return std::make_unique<RunnerPlugin>(std::move(options), std::move(callbacks));
}

}  // namespace harmony::host
