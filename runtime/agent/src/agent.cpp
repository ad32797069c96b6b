#include "harmony/agent/agent.hpp"

#include <pthread.h>

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include "control_loop.hpp"
#include "harmony/agent/device_commands.hpp"
#include "harmony/agent/host_program.hpp"
#include "harmony/contracts/device_permissions.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/daemon/backoff.hpp"
#include "harmony/daemon/logging.hpp"
#include "reconcile_loop.hpp"

namespace harmony::agent {

namespace daemon = runtime::daemon;
namespace nats = runtime::nats;
namespace podman = runtime::podman;

namespace {

constexpr daemon::Logger kLog("agent");
// Values are small and few: what an idle device keeps for its connection is kept small too.
constexpr int kIoBufferBytes = 8 * 1024;
constexpr int kReconnectBufferBytes = 64 * 1024;
constexpr int kPendingMessages = 1024;
constexpr int kPendingBytes = 4 * 1024 * 1024;

// Listens to podman and tells that something ended or went; after a break it tells that too, for what was
// missed.
class PodmanEvents {
 public:
    PodmanEvents(contracts::DeviceId device, RuntimeFactory runtimes, std::function<void()> changed)
        : device_(std::move(device)), runtimes_(std::move(runtimes)), changed_(std::move(changed)) {
        thread_ = std::jthread([this](const std::stop_token& stop) {
            pthread_setname_np(pthread_self(), "podman-events");
            try {
                run(stop);
            } catch (const std::exception& error) {
                kLog.error("podman's events are no longer followed", {{"error", error.what()}});
            }
        });
    }

 private:
    void run(const std::stop_token& stop) {
        const auto runtime = runtimes_();
        daemon::Backoff backoff({std::chrono::seconds(1), std::chrono::seconds(30), 0.5});
        const podman::EventFilter filter{std::string(contracts::kDeviceLabel) + "=" + device_.str()};
        while (!stop.stop_requested()) {
            const auto ended = runtime->events(
                filter,
                [&](const podman::RuntimeEvent& event) {
                    backoff.reset();
                    if (event.action == "died" || event.action == "remove") changed_();
                    return true;
                },
                stop);
            if (stop.stop_requested()) return;
            if (!ended) kLog.debug("podman's events ended", {{"error", ended.error().text()}});
            changed_();
            std::mutex mutex;
            std::condition_variable_any waiting;
            std::unique_lock lock(mutex);
            waiting.wait_for(lock, stop, backoff.next(), [] { return false; });
            // Nobody has listened since.
            changed_();
        }
    }

    contracts::DeviceId device_;
    RuntimeFactory runtimes_;
    std::function<void()> changed_;
    std::jthread thread_;
};

class RunningAgent final : public Agent {
 public:
    RunningAgent(const AgentConfig& config, std::string version, AgentParts parts,
                 daemon::HealthRegistry& health, daemon::MetricsRegistry& metrics)
        : config_(config),
          parts_(std::move(parts)),
          nats_ready_(health.add_flag(daemon::CheckKind::Readiness, "nats", "not connected yet")),
          connects_(metrics.counter("harmony_agent_connects_total", "Times the broker was reached")),
          commands_({config.device_id, config.runtime_enabled},
                    {config.device_id, config.runtime_enabled, config.exec_host_enabled,
                     config.state_dir + "/audit.log"},
                    run_on_host, *parts_.connection, parts_.runtimes, *parts_.clock, metrics),
          control_({config.device_id, version, config.heartbeat_interval}, *parts_.connection, *parts_.clock,
                   metrics),
          reconcile_(config, version, *parts_.connection, parts_.runtimes, *parts_.clock, health, metrics,
                     [this](std::string digest) { control_.set_digest(std::move(digest)); }) {
        health.add(daemon::CheckKind::Readiness, "registry-credentials",
                   [config = config_] { return check_registry_auths(config); });
    }
    ~RunningAgent() override { (void)stop(std::chrono::hours(1)); }
    RunningAgent(const RunningAgent&) = delete;
    RunningAgent& operator=(const RunningAgent&) = delete;

    Result<void> start() {
        if (const auto usable = check_registry_auths(config_); !usable) {
            kLog.error("no image can be pulled until the registry credentials are right",
                       {{"error", usable.error().text()}});
        }
        if (auto loaded = reconcile_.load(); !loaded) return loaded;
        if (auto begun = parts_.connection->start(events()); !begun) return begun;
        if (auto subscribed = subscribe(); !subscribed) return subscribed;
        reconcile_.connected();
        control_.heartbeat_now();
        control_.offer(commands_);
        control_.start();
        reconcile_.start();
        if (config_.runtime_enabled) {
            podman_events_ = std::make_unique<PodmanEvents>(config_.device_id, parts_.runtimes,
                                                            [this] { reconcile_.containers_changed(); });
        }
        return {};
    }

    bool stop(std::chrono::milliseconds patience) override {
        desired_subscription_.end();
        command_subscription_.end();
        podman_events_.reset();
        control_.stop();
        const bool answered = commands_.stop(patience);
        const bool done = reconcile_.stop(patience) && answered;
        parts_.connection->close();
        return done;
    }

 private:
    nats::ConnectionEvents events() {
        nats::ConnectionEvents events;
        events.on_connected = [this](nats::Connected which) {
            nats_ready_->pass();
            connects_.add();
            kLog.info("connected", {{"again", which == nats::Connected::Again}});
            commands_.connection_changed();
            reconcile_.connected();
            control_.heartbeat_now();
        };
        events.on_disconnected = [this](const Error& reason) {
            nats_ready_->fail(reason.text());
            kLog.warning("disconnected", {{"error", reason.text()}});
        };
        events.on_error = [](const Error& error) { kLog.warning("broker", {{"error", error.text()}}); };
        return events;
    }

    Result<void> subscribe() {
        nats::SubscribeOptions options;
        options.max_pending_messages = kPendingMessages;
        options.max_pending_bytes = kPendingBytes;
        auto desired = parts_.connection->subscribe(
            contracts::kv_subject(contracts::kDesiredStateBucket,
                                  contracts::desired_state_filter(config_.device_id)),
            [this](const nats::Message& message) {
                if (const auto hint = DesiredHint::from(config_.device_id, message)) reconcile_.hint(*hint);
            },
            options);
        if (!desired) return fail(desired.error());
        desired_subscription_ = *std::move(desired);
        auto commands = parts_.connection->subscribe(
            contracts::command_subscription(config_.device_id),
            [this](const nats::Message& message) { control_.enqueue_command(message); }, options);
        if (!commands) return fail(commands.error());
        command_subscription_ = *std::move(commands);
        return {};
    }

    AgentConfig config_;
    AgentParts parts_;
    std::shared_ptr<daemon::HealthRegistry::Flag> nats_ready_;
    daemon::Counter& connects_;
    DeviceCommands commands_;
    ControlLoop control_;
    ReconcileLoop reconcile_;
    nats::Subscription desired_subscription_;
    nats::Subscription command_subscription_;
    std::unique_ptr<PodmanEvents> podman_events_;
};

}  // namespace

AgentParts make_agent_parts(const AgentConfig& config) {
    nats::ConnectionOptions options;
    options.urls = config.nats_urls;
    options.credentials = config.credentials;
    options.name = contracts::device_user(config.device_id);
    options.inbox_prefix = contracts::device_inbox_prefix(config.device_id);
    options.io_buffer_bytes = kIoBufferBytes;
    options.reconnect_buffer_bytes = kReconnectBufferBytes;
    options.write_at_once = true;
    AgentParts parts;
    parts.connection = nats::make_nats_connection(std::move(options));
    parts.runtimes = [settings = podman_options(config)]() -> std::shared_ptr<podman::ContainerRuntime> {
        return podman::make_podman_runtime(settings);
    };
    parts.clock = std::make_shared<const Clock>();
    return parts;
}

Result<std::unique_ptr<Agent>> start_agent(const AgentConfig& config, std::string version, AgentParts parts,
                                           daemon::HealthRegistry& health, daemon::MetricsRegistry& metrics) {
    auto agent =
        std::make_unique<RunningAgent>(config, std::move(version), std::move(parts), health, metrics);
    if (auto started = agent->start(); !started) return fail(started.error());
    return std::unique_ptr<Agent>(std::move(agent));
}

}  // namespace harmony::agent
