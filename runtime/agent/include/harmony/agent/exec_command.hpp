// `exec`: runs a program for somebody who asked, at most once, and never without a line in the audit log.
#pragma once

#include <atomic>
#include <functional>

#include "harmony/agent/audit_log.hpp"
#include "harmony/agent/background_work.hpp"
#include "harmony/agent/commands.hpp"
#include "harmony/agent/recent_requests.hpp"
#include "harmony/agent/reconciler.hpp"
#include "harmony/nats/connection.hpp"

namespace harmony::agent {

// A request that comes again within this time is dropped.
inline constexpr std::chrono::minutes kExecRemembered{5};
inline constexpr std::size_t kExecMaxRemembered = 1024;

struct ExecOptions {
    contracts::DeviceId device;
    bool runtime_enabled = true;
    bool host_enabled = false;  // whether programs may run on the device itself
    std::string audit_path;
    std::chrono::milliseconds deadline = contracts::kExecAgentDeadline;
};

class ExecCommand {
 public:
    // Runs a program on the device; run_on_host() but in tests.
    using HostRunner = std::function<Result<runtime::podman::ExecOutcome>(const runtime::podman::ExecSpec&,
                                                                          const std::stop_token&)>;

    ExecCommand(ExecOptions options, runtime::nats::NatsConnection& connection, RuntimeFactory runtimes,
                HostRunner host_runner, const Clock& clock, runtime::daemon::MetricsRegistry& metrics);

    // From the control thread. The answer comes later, from a thread of its own; a duplicate gets none.
    // Errors are InvalidInput, and PermissionDenied where too many commands wait already.
    [[nodiscard]] Result<void> begin(const CommandCall& call);
    // From the control thread, which waits for the disk: a line in the audit log for one that begin() has
    // refused or was never asked for.
    void note_refused(const CommandCall& call, const Error& why);
    // Kills what runs. False: something still runs after `patience`.
    [[nodiscard]] bool stop(std::chrono::milliseconds patience) { return work_.stop(patience); }

 private:
    struct Target {
        std::shared_ptr<runtime::podman::ContainerRuntime> runtime;  // null: the host
        std::string container;                                       // its id
    };

    void serve(const CommandCall& call, const contracts::ExecRequest& request, const std::stop_token& stop);
    [[nodiscard]] Result<contracts::ExecReply> run(const CommandCall& call,
                                                   const contracts::ExecRequest& request,
                                                   const std::stop_token& stop);
    [[nodiscard]] Result<void> check_policy(const CommandCall& call,
                                            const contracts::ExecRequest& request) const;
    [[nodiscard]] Result<Target> find_target(const contracts::ExecRequest& request, AuditEntry& entry);
    void note(AuditEntry entry, AuditEvent event, std::string reason);

    const ExecOptions options_;
    runtime::nats::NatsConnection& connection_;
    const RuntimeFactory runtimes_;
    const HostRunner host_runner_;
    const Clock& clock_;
    AuditLog audit_;
    RecentRequests recent_;
    runtime::daemon::Counter& run_;
    runtime::daemon::Counter& refused_;
    runtime::daemon::Counter& duplicates_;
    std::atomic<int> running_{0};
    BackgroundWork work_;  // last: its threads use everything above
};

}  // namespace harmony::agent
