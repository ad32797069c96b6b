// Drives a plugin in this process, through its C interface, as the real host does: for unit tests of plugins.
//
//   FakeHost host(harmony_plugin_entry_1);          // the plugin's sources are linked into the test
//   FakeProcessHost processes;
//   host.offer<ProcessHost>(processes);
//   auto score = host.score("StaticSiteScore", Json::object({{"greeting", "hello"}}));
//   REQUIRE(score->apply_all().value() == 1);
#pragma once

#include <harmony/plugin.h>
#include <chrono>
#include <functional>
#include <harmony/plugin/command.hpp>
#include <harmony/plugin/plan.hpp>
#include <harmony/plugin/render.hpp>
#include <harmony/plugin/scenario.hpp>
#include <harmony/plugin/topology.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

extern "C" int32_t harmony_plugin_entry_1(const hp_hello* hello, hp_plugin* out) noexcept;

namespace harmony::plugin::testing {

class FakeHost;

// One instance of a Score. The host has to live as long.
class ScoreHandle {
 public:
    ScoreHandle(FakeHost& host, std::uint64_t handle) : host_(&host), handle_(handle) {}

    Result<void> validate();
    Result<std::vector<Object>> read();
    Result<Plan> plan(const PlanRequest& request = {});
    Result<void> apply(const Step& step);
    Result<std::vector<Check>> verify();
    Result<void> destroy(const Step& step);
    Result<std::vector<RenderedFile>> render(const std::string& format);

    // What `harmony apply` does: plans, applies every step, verifies, and demands an empty plan afterwards.
    // Returns the number of steps.
    Result<int> apply_all();
    // What `harmony destroy` does. Returns the number of steps.
    Result<int> destroy_all(bool delete_data = false);
    [[nodiscard]] std::uint64_t handle() const { return handle_; }

 private:
    FakeHost* host_;
    std::uint64_t handle_;
};

struct LogLine {
    LogLevel level;
    std::string message;
};

class FakeHost {
 public:
    using Answer = std::function<Result<Json>(const Json& params)>;

    // Throws std::runtime_error when the entry refuses.
    explicit FakeHost(hp_entry_fn entry);
    // A built plugin, which stays loaded. Throws std::runtime_error when it cannot be.
    static std::unique_ptr<FakeHost> load(const std::string& path);
    FakeHost(const FakeHost&) = delete;
    FakeHost& operator=(const FakeHost&) = delete;
    ~FakeHost();

    // Answers capability.invoke for C, and names it in the session. The server has to live as long as this.
    template <Capability C>
    void offer(C& server) {
        offer_server(std::string(C::kId), std::make_shared<detail::TypedCapabilityServer<C>>(server));
    }
    // Answers another method of the host, such as host.score.
    void answer(std::string method, Answer answer) { answers_[std::move(method)] = std::move(answer); }

    // What later created instances see. Its capabilities are those offered until then.
    [[nodiscard]] Session& session() { return session_; }
    // Of every later call; zero means none.
    void set_timeout(std::chrono::milliseconds timeout) { timeout_ = timeout; }
    // Cancels the call that reports this as progress.
    void cancel_on_progress(std::string message) { cancel_on_ = std::move(message); }

    Result<Json> describe() { return invoke(0, "plugin.describe", Json::object()); }
    Result<std::uint64_t> create(std::string_view kind, std::string_view name,
                                 Json settings = Json::object());
    Result<Json> invoke(std::uint64_t instance, std::string_view method, const Json& params);
    // As invoke, with parameters that need not be JSON. The diagnostic's status is the result code.
    Result<Json> invoke_text(std::uint64_t instance, std::string_view method, std::string_view params);
    std::int32_t destroy(std::uint64_t instance);

    Result<ScoreHandle> score(std::string_view name, Json settings = Json::object());
    Result<CommandResult> command(std::string_view path, Json arguments = Json::object());
    Result<ScenarioResult> scenario(std::string_view name, Json parameters = Json::object());
    Result<std::vector<Offer>> probe(std::uint64_t topology);
    Result<Json> capability(std::uint64_t topology, std::string_view capability, std::string_view method,
                            const Json& params);

    [[nodiscard]] std::vector<LogLine> logs() const;
    [[nodiscard]] std::vector<std::string> progress() const;

 private:
    struct Services;

    void offer_server(std::string id, std::shared_ptr<detail::CapabilityServer> server);
    Result<Json> serve(std::string_view method, const Json& params);
    Result<Json> run(std::uint64_t instance, std::string_view method, std::string_view params,
                     const std::function<std::int32_t(const hp_call&)>& body);

    mutable std::mutex mutex_;
    std::vector<LogLine> logs_;
    std::vector<std::string> progress_;
    std::map<std::string, std::shared_ptr<detail::CapabilityServer>, std::less<>> servers_;
    std::map<std::string, Answer, std::less<>> answers_;
    Session session_{.context = "test", .run_id = "run-1"};
    std::chrono::milliseconds timeout_{0};
    std::string cancel_on_;
    std::uint64_t next_call_ = 1;
    hp_services services_{};
    hp_plugin plugin_{};
};

}  // namespace harmony::plugin::testing
