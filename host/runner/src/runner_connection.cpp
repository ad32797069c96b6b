#include "runner_connection.hpp"

#include "message.hpp"

#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <harmony/plugin.h>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <harmony/host/json_text.hpp>
#include <harmony/host/manifest.hpp>

namespace harmony::host {
namespace {

std::string make_nonce() {
    unsigned char bytes[16];
    if (::getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes)) return {};
    std::string text;
    for (const unsigned char byte : bytes) {
        text += static_cast<char>('a' + (byte >> 4));
        text += static_cast<char>('a' + (byte & 15));
    }
    return text;
}

CallFailure failure_of(std::int32_t code, Diagnostic problem) {
    problem.status = code;
    return {code, std::move(problem)};
}

int until(RunnerConnection::Clock::time_point when) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(when - RunnerConnection::Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60000));
}

}  // namespace

RunnerConnection::RunnerConnection(const PluginProcessOptions& options, const PluginCallbacks& callbacks,
                                   SpawnedRunner runner)
    : options_(options), callbacks_(callbacks), runner_(std::move(runner)) {}

RunnerConnection::~RunnerConnection() {
    close();
}

tl::expected<std::unique_ptr<RunnerConnection>, CallFailure> RunnerConnection::start(
    const PluginProcessOptions& options, const PluginFile& file, const PluginCallbacks& callbacks) {
    auto runner = spawn_runner(options.runner_executable, file.fd.get());
    if (!runner) return tl::unexpected(failure_of(HP_E_FAILED, runner.error()));
    std::unique_ptr<RunnerConnection> connection(
        new RunnerConnection(options, callbacks, std::move(*runner)));
    if (auto problem = connection->shake_hands(file)) return tl::unexpected(std::move(*problem));
    return connection;
}

std::optional<CallFailure> RunnerConnection::shake_hands(const PluginFile& file) {
    const auto& support = HostSupport::current();
    const std::string nonce = make_nonce();
    queue(to_text({{"type", "hello"},
                   {"nonce", nonce},
                   {"host", options_.host_name},
                   {"level_min", support.level_min},
                   {"level_max", support.level_max},
                   {"fd", kRunnerPluginFd},
                   {"path", file.path},
                   {"sha256", file.sha256}}));
    const auto deadline = Clock::now() + options_.start_timeout;
    while (!ready_ && !ended_ && Clock::now() < deadline)
        pump(until(deadline), nullptr);
    if (ended_ && !ready_) return crash();
    if (!ready_) {
        signal_group(SIGKILL);
        reap();
        return failure_of(HP_E_DEADLINE,
                          diagnostic("plugin.load-failed",
                                     options_.plugin_id + " did not start within " +
                                         std::to_string(options_.start_timeout.count()) + " ms",
                                     "Its static initialisation hangs: report it to its author."));
    }
    const auto ready = to_frame(*ready_);
    if (!ready || nonce.empty() || text_field(*ready, "nonce") != nonce) {
        break_off("its first frame does not carry the nonce it was given");
        return crash();
    }
    if (!ready->contains("diagnostic")) return std::nullopt;
    expected_end_ = true;
    close();
    const auto code = static_cast<std::int32_t>(signed_field(*ready, "code"));
    auto problem = diagnostic_from((*ready)["diagnostic"], code);
    problem.summary = options_.plugin_id + ": " + problem.summary;
    return failure_of(code, std::move(problem));
}

RunnerResult RunnerConnection::call(const RunnerCall& request, const CallOptions& options) {
    ActiveCall call{++last_id_, request.instance, std::nullopt, options.cancellation};
    if (options.timeout.count() > 0) call.deadline = Clock::now() + options.timeout;
    const auto params = to_object(request.params);
    if (!params) {
        return tl::unexpected(failure_of(
            HP_E_INVALID,
            diagnostic("plugin.params-invalid",
                       "The parameters of " + printable(request.method) + " are not a JSON object")));
    }
    const std::string body = to_text({{"type", "call"},
                                      {"id", call.id},
                                      {"op", request.op},
                                      {"instance", request.handle},
                                      {"method", request.method},
                                      {"params", *params},
                                      {"timeout_ms", options.timeout.count()}});
    if (body.size() > kMaxFrameBytes) {
        return tl::unexpected(failure_of(
            HP_E_TOO_LARGE,
            diagnostic("plugin.params-too-large",
                       "The parameters of " + printable(request.method) + " are larger than 16 MiB")));
    }
    queue(body);
    active_.push_back(&call);
    auto result = wait_for_result(call);
    std::erase(active_, &call);
    return result;
}

RunnerResult RunnerConnection::wait_for_result(ActiveCall& call) {
    for (;;) {
        if (const auto found = results_.find(call.id); found != results_.end()) {
            const auto frame = to_frame(found->second);
            results_.erase(found);
            return result_of(call, *frame);
        }
        if (ended_) return tl::unexpected(end_of(call));
        advance(call);
        pump(poll_timeout(call), call.cancellation);
    }
}

// Cancel, then SIGTERM, then SIGKILL.
void RunnerConnection::advance(ActiveCall& call) {
    const auto now = Clock::now();
    const int requests = call.cancellation != nullptr ? call.cancellation->requests() : 0;
    auto enter = [&](Stage stage) {
        call.stage = stage;
        call.next_stage = now + options_.grace;
    };
    if (requests > 1 && call.stage != Stage::Killed) {
        call.by_user = true;
        enter(Stage::Killed);
        signal_group(SIGKILL);
        return;
    }
    switch (call.stage) {
        case Stage::Running:
            if (requests == 0 && (!call.deadline || now < *call.deadline)) return;
            call.by_user = requests > 0;
            enter(Stage::Cancelled);
            queue(to_text({{"type", "cancel"}, {"id", call.id}}));
            return;
        case Stage::Cancelled:
            if (now < call.next_stage) return;
            enter(Stage::Terminated);
            signal_group(SIGTERM);
            return;
        case Stage::Terminated:
            if (now < call.next_stage) return;
            enter(Stage::Killed);
            signal_group(SIGKILL);
            return;
        case Stage::Killed:
            return;
    }
}

int RunnerConnection::poll_timeout(const ActiveCall& call) {
    if (call.stage == Stage::Running) return call.deadline ? until(*call.deadline) : 60000;
    return call.stage == Stage::Killed ? 60000 : until(call.next_stage);
}

RunnerResult RunnerConnection::result_of(const ActiveCall& call, const nlohmann::json& frame) const {
    const auto code = static_cast<std::int32_t>(signed_field(frame, "code"));
    if (code == HP_OK) {
        return RunnerAnswer{to_text(frame.value("result", nlohmann::json::object())),
                            number_field(frame, "instance")};
    }
    // The plugin reads the same deadline, and may have stopped on its own before it was asked to.
    const bool late = call.stage != Stage::Running || (call.deadline && Clock::now() >= *call.deadline);
    if (code == HP_E_CANCELLED && late && !call.by_user) {
        return tl::unexpected(failure_of(
            HP_E_DEADLINE,
            diagnostic("plugin.deadline", options_.plugin_id + " did not finish in time and was cancelled",
                       "Give it more time with --timeout.")));
    }
    return tl::unexpected(
        failure_of(code, diagnostic_from(frame.value("diagnostic", nlohmann::json::object()), code)));
}

// The runner is gone while `call` ran.
CallFailure RunnerConnection::end_of(const ActiveCall& call) {
    if (call.stage == Stage::Running || !protocol_problem_.empty()) return crash();
    if (call.by_user) {
        expected_end_ = true;
        return failure_of(
            HP_E_CANCELLED,
            diagnostic("plugin.cancelled",
                       options_.plugin_id + " did not stop when it was cancelled and was ended"));
    }
    auto failure = failure_of(
        HP_E_DEADLINE,
        diagnostic("plugin.deadline",
                   options_.plugin_id + " did not finish in time, ignored the cancellation and was ended",
                   "Give it more time with --timeout; if it hangs, report it to its author."));
    failure.diagnostic.detail = crash().diagnostic.detail;
    return failure;
}

CallFailure RunnerConnection::crash() {
    Diagnostic problem =
        protocol_problem_.empty()
            ? diagnostic("plugin.crashed",
                         "The plugin " + options_.plugin_id + " " + end_text_ + " while it worked",
                         "It is a bug of the plugin: report it to its author with the lines below.")
            : diagnostic("plugin.protocol",
                         "The runner of " + options_.plugin_id + " was ended: " + protocol_problem_,
                         "Host and runner have to be the same build of harmony.");
    for (const auto& line : recent_lines_)
        problem.detail += (problem.detail.empty() ? "" : "\n") + line;
    return failure_of(HP_E_INTERNAL, std::move(problem));
}

void RunnerConnection::close() {
    if (ended_) return;
    expected_end_ = true;
    CallOptions options;
    options.timeout = options_.grace;
    (void)call({"shutdown", 0, "shutdown", "{}", 0}, options);
    if (ended_) return;
    ::shutdown(runner_.socket.get(), SHUT_RDWR);  // the runner ends when it sees that
    for (const int signal : {0, SIGTERM, SIGKILL}) {
        if (signal != 0) signal_group(signal);
        pollfd process{runner_.process.get(), POLLIN, 0};
        if (::poll(&process, 1, static_cast<int>(options_.grace.count())) > 0) break;
    }
    read_output();
    reap();
}

}  // namespace harmony::host
