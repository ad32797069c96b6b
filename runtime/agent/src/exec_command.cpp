#include "harmony/agent/exec_command.hpp"

#include "harmony/agent/command_targets.hpp"
#include "harmony/daemon/logging.hpp"

namespace harmony::agent {

namespace podman = runtime::podman;

namespace {

constexpr runtime::daemon::Logger kLog("exec");
constexpr const char* kMetric = "harmony_agent_execs_total";
constexpr const char* kMetricHelp = "Commands to be run, by what became of them";
// Those beyond kMaxExecs are only written into the audit log and refused.
constexpr std::size_t kThreads = 2 * contracts::kMaxExecs;

std::string target_text(const contracts::ExecRequest& request) {
    if (request.host) return "host";
    return request.deployment->str() + (request.service ? "/" + *request.service : "");
}

AuditEntry entry_of(const CommandCall& call) {
    AuditEntry entry;
    entry.request_id = call.headers.request_id;
    entry.operator_sub = call.headers.operator_sub;
    return entry;
}

void describe(AuditEntry& entry, const contracts::ExecRequest& request) {
    entry.target = target_text(request);
    entry.argv = request.argv;
}

// One of at most kMaxExecs.
class Slot {
 public:
    explicit Slot(std::atomic<int>& running)
        : running_(running), mine_(running_.fetch_add(1) < static_cast<int>(contracts::kMaxExecs)) {}
    ~Slot() { running_.fetch_sub(1); }
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    [[nodiscard]] bool free() const { return mine_; }

 private:
    std::atomic<int>& running_;
    const bool mine_;
};

}  // namespace

ExecCommand::ExecCommand(ExecOptions options, runtime::nats::NatsConnection& connection,
                         RuntimeFactory runtimes, HostRunner host_runner, const Clock& clock,
                         runtime::daemon::MetricsRegistry& metrics)
    : options_(std::move(options)),
      connection_(connection),
      runtimes_(std::move(runtimes)),
      host_runner_(std::move(host_runner)),
      clock_(clock),
      audit_({.path = options_.audit_path}),
      recent_(kExecRemembered, kExecMaxRemembered),
      run_(metrics.counter(kMetric, kMetricHelp, {{"outcome", "run"}})),
      refused_(metrics.counter(kMetric, kMetricHelp, {{"outcome", "refused"}})),
      duplicates_(metrics.counter(kMetric, kMetricHelp, {{"outcome", "duplicate"}})),
      work_(kThreads) {}

Result<void> ExecCommand::begin(const CommandCall& call) {
    auto request = contracts::ExecRequest::decode(call.payload);
    if (!request) return fail(request.error());
    if (call.headers.request_id.empty()) {
        return fail(ErrorKind::InvalidInput,
                    std::string(contracts::kRequestIdHeader) +
                        ": missing, expected an id of its own for every command to be run");
    }
    if (!recent_.is_new(call.headers.request_id, clock_.steady())) {
        duplicates_.add();
        return {};
    }
    const bool begun = work_.run("exec", [this, call, request = *std::move(request)](std::stop_token stop) {
        serve(call, request, stop);
    });
    if (begun) return {};
    kLog.warning("refused a command, too many wait", {{"operator_sub", call.headers.operator_sub}});
    return fail(ErrorKind::PermissionDenied, "too many commands wait on this device; try again");
}

void ExecCommand::note_refused(const CommandCall& call, const Error& why) {
    refused_.add();
    AuditEntry entry = entry_of(call);
    if (call.payload.size() <= contracts::kMaxCommandRequestBytes) {
        if (const auto request = contracts::ExecRequest::decode(call.payload)) describe(entry, *request);
    }
    note(std::move(entry), AuditEvent::Refused, why.text());
}

void ExecCommand::serve(const CommandCall& call, const contracts::ExecRequest& request,
                        const std::stop_token& stop) {
    auto reply = run(call, request, stop);
    if (call.expired) return;
    runtime::nats::Message answer;
    answer.subject = call.reply;
    answer.payload = reply ? reply->encode() : contracts::RemoteError::from_error(reply.error()).encode();
    if (auto sent = connection_.publish(answer); !sent) {
        kLog.warning("a reply could not be sent", {{"error", sent.error().text()}});
    }
}

Result<void> ExecCommand::check_policy(const CommandCall& call, const contracts::ExecRequest& request) const {
    if (call.expired) return fail(ErrorKind::Timeout, "its deadline had passed when it arrived");
    if (request.host && !options_.host_enabled) {
        return fail(
            ErrorKind::PermissionDenied,
            "this device allows no commands outside its containers (exec.host_enabled is false in its "
            "configuration)");
    }
    if (!request.host && !options_.runtime_enabled) {
        return fail(ErrorKind::Unavailable,
                    "this device runs no containers (agent.runtime_enabled is false in its configuration)");
    }
    return {};
}

Result<ExecCommand::Target> ExecCommand::find_target(const contracts::ExecRequest& request,
                                                     AuditEntry& entry) {
    if (request.host) return Target{};
    Target target;
    target.runtime = runtimes_();
    const auto services =
        find_services(*target.runtime, options_.device, *request.deployment, request.service);
    if (!services) return fail(services.error());
    if (services->size() > 1) {
        std::string names;
        for (const auto& service : *services)
            names += (names.empty() ? "" : ", ") + service.service;
        return fail(ErrorKind::InvalidInput, "service: missing, expected one of: " + names);
    }
    const auto& service = services->front();
    entry.target = request.deployment->str() + "/" + service.service;
    entry.container = service.container.name;
    target.container = service.container.id;
    if (!service.running()) {
        return fail(ErrorKind::Unavailable, "service " + service.service +
                                                " does not run: its container is " +
                                                std::string(podman::to_string(service.container.status)));
    }
    return target;
}

void ExecCommand::note(AuditEntry entry, AuditEvent event, std::string reason) {
    entry.event = event;
    entry.reason = std::move(reason);
    if (auto noted = audit_.append(entry, clock_.wall()); !noted) {
        kLog.error("the audit log lacks a line",
                   {{"request_id", entry.request_id}, {"error", noted.error().text()}});
    }
}

Result<contracts::ExecReply> ExecCommand::run(const CommandCall& call, const contracts::ExecRequest& request,
                                              const std::stop_token& stop) {
    AuditEntry entry = entry_of(call);
    describe(entry, request);
    const auto refuse = [&](const Error& why) {
        refused_.add();
        note(entry, AuditEvent::Refused, why.text());
        return fail(why);
    };
    if (auto allowed = check_policy(call, request); !allowed) return refuse(allowed.error());
    const Slot slot(running_);
    if (!slot.free()) {
        return refuse(
            Error(ErrorKind::PermissionDenied,
                  std::to_string(contracts::kMaxExecs) + " commands run on this device already; try again"));
    }
    const auto target = find_target(request, entry);
    if (!target) return refuse(target.error());
    if (call.headers.deadline && *call.headers.deadline < clock_.wall())
        return refuse(Error(ErrorKind::Timeout, "its deadline passed while its container was looked for"));
    entry.event = AuditEvent::Started;
    if (auto noted = audit_.append(entry, clock_.wall()); !noted) {
        kLog.error("not run: the audit log can't be written", {{"error", noted.error().text()}});
        return fail(noted.error().wrap("not run, because the audit log cannot be written"));
    }
    run_.add();
    const podman::ExecSpec spec{.argv = request.argv,
                                .timeout = options_.deadline,
                                .max_stream_bytes = contracts::kExecMaxStreamBytes};
    auto outcome =
        target->runtime ? target->runtime->exec(target->container, spec, stop) : host_runner_(spec, stop);
    if (!outcome) {
        note(entry, AuditEvent::Failed, outcome.error().text());
        // A program that is not there is the request's mistake, not a missing deployment.
        const auto kind = outcome.error().kind();
        const bool no_program =
            request.host && (kind == ErrorKind::NotFound || kind == ErrorKind::PermissionDenied);
        if (no_program) return fail(ErrorKind::InvalidInput, outcome.error().text());
        if (kind == ErrorKind::Conflict) return fail(ErrorKind::Unavailable, outcome.error().text());
        return fail(outcome.error());
    }
    entry.exit_code = outcome->exit_code;
    note(entry, AuditEvent::Ended, outcome->truncated ? "output truncated" : "");
    return contracts::ExecReply{outcome->exit_code, std::move(outcome->standard_output),
                                std::move(outcome->standard_error), outcome->truncated};
}

}  // namespace harmony::agent
