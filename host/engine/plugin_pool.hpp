// The plugins of one run: a process each, their instances, and the routing of what they ask of the host.
//
// Used by the main thread only. Everything a plugin says arrives through the PoolListener, inside the call.
#pragma once

#include <chrono>
#include <functional>
#include <harmony/host/catalog.hpp>
#include <harmony/host/plugin_process.hpp>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "host/output/problem.hpp"

namespace harmony::host {

using ProcessFactory = std::function<std::unique_ptr<PluginProcess>(PluginProcessOptions, PluginCallbacks)>;

// A part of a scenario that begins, or has ended.
struct ScenarioStepNews {
    std::string name;
    bool ended = false;
    bool ok = false;
    double seconds = 0;
    std::string detail;
};

class PoolListener {
 public:
    virtual ~PoolListener() = default;
    virtual void scenario_step(const ScenarioStepNews& /*news*/) {}
    virtual void plugin_log(const std::string& plugin, int level, const std::string& line) = 0;
    virtual void plugin_progress(const std::string& message) = 0;
};

struct PoolOptions {
    ProcessFactory factory;
    Isolation isolation = Isolation::Process;
    Cancellation* cancellation = nullptr;
    std::chrono::milliseconds timeout{0};
    PoolListener* listener = nullptr;  // may be null
};

struct InstanceRequest {
    const CatalogEntry* entry = nullptr;
    std::string kind;  // score, topology, command, scenario
    std::string name;
    nlohmann::json settings;
    nlohmann::json session;
    std::set<std::string> capabilities;  // it may call these
};

// An instance of something a plugin contributes. When its runner has died since, the next call makes it anew.
struct LiveInstance {
    InstanceRequest request;
    PluginProcess* process = nullptr;
    InstanceId id = 0;
};
using Instance = std::shared_ptr<LiveInstance>;

// Handles host.score for a scenario.
using ScoreService = std::function<tl::expected<nlohmann::json, Diagnostic>(const nlohmann::json& params)>;

class PluginPool {
 public:
    explicit PluginPool(PoolOptions options) : options_(std::move(options)) {}

    // Diagnostics of plugins, with exit code Failed, Usage where the settings are wrong, or Interrupted.
    [[nodiscard]] Outcome<Instance> create(InstanceRequest request);
    [[nodiscard]] Outcome<nlohmann::json> invoke(const Instance& instance, const std::string& method,
                                                 const nlohmann::json& params);
    void destroy(const Instance& instance);

    // Capability calls of plugins go here.
    void route_capabilities_to(Instance topology) { topology_ = std::move(topology); }
    void serve_scores(ScoreService service) { score_service_ = std::move(service); }
    // What a command prints while it runs.
    void serve_output(ScoreService service) { output_service_ = std::move(service); }
    // Of later calls; 0 means no deadline.
    void set_timeout(std::chrono::milliseconds timeout) { options_.timeout = timeout; }
    void listen(PoolListener* listener) { options_.listener = listener; }

    // Of the file as loaded, empty before the first call.
    [[nodiscard]] std::string sha256(const CatalogEntry& entry) const;
    [[nodiscard]] bool interrupted() const {
        return options_.cancellation != nullptr && options_.cancellation->requested();
    }
    // Calls go on after an interruption that has ended what it was meant for.
    void acknowledge_interruption() {
        if (options_.cancellation != nullptr) options_.cancellation->acknowledge();
    }

 private:
    [[nodiscard]] tl::expected<void, CallFailure> start(LiveInstance& instance);
    [[nodiscard]] CallResult call(LiveInstance& instance, const std::string& method, std::string_view params,
                                  const CallOptions& options);
    [[nodiscard]] PluginProcess& process_of(const CatalogEntry& entry);
    [[nodiscard]] CallResult serve(PluginProcess* from, const ServiceRequest& request);
    [[nodiscard]] CallResult serve_capability(PluginProcess* from, const ServiceRequest& request,
                                              const nlohmann::json& params);
    [[nodiscard]] CallOptions call_options() const;

    PoolOptions options_;
    std::map<std::string, std::unique_ptr<PluginProcess>> processes_;  // by file
    std::map<std::pair<PluginProcess*, InstanceId>, std::set<std::string>> allowed_;
    std::set<std::string> creating_;  // what the instance being created may call
    Instance topology_;
    ScoreService score_service_;
    ScoreService output_service_;
};

// The exit code a failed call means.
[[nodiscard]] Problem problem_of(const CallFailure& failed);

}  // namespace harmony::host
