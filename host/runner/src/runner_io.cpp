// The descriptors of a RunnerConnection: what comes in becomes frames and log lines, what goes out is
// flushed.
#include "message.hpp"
#include "runner_connection.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <harmony/plugin.h>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <harmony/host/json_text.hpp>

namespace harmony::host {
namespace {

constexpr std::size_t kRecentLines = 20;
constexpr std::size_t kBlock = 64 * 1024;

std::string describe_end(const siginfo_t& info) {
    if (info.si_code == CLD_EXITED) return "ended by itself with exit code " + std::to_string(info.si_status);
    const char* name = ::sigabbrev_np(info.si_status);
    return "was ended by signal " +
           (name != nullptr ? std::string("SIG") + name : std::to_string(info.si_status));
}

}  // namespace

void RunnerConnection::queue(const std::string& body) {
    outgoing_ += encode_frame(body);
    if (!ended_) flush();
}

void RunnerConnection::flush() {
    std::size_t used = 0;
    while (used < outgoing_.size()) {
        const ssize_t sent =
            ::send(runner_.socket.get(), outgoing_.data() + used, outgoing_.size() - used, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) break;  // full: poll() tells when it goes on; closed: reading finds the end
        used += static_cast<std::size_t>(sent);
    }
    outgoing_.erase(0, used);
}

void RunnerConnection::pump(int timeout_ms, Cancellation* cancellation) {
    pollfd set[4] = {
        {runner_.socket.get(), static_cast<short>(outgoing_.empty() ? POLLIN : POLLIN | POLLOUT), 0},
        {runner_.output.get(), POLLIN, 0},
        {runner_.process.get(), POLLIN, 0},
        {cancellation != nullptr ? cancellation->descriptor() : -1, POLLIN, 0}};
    if (::poll(set, 4, timeout_ms) <= 0) return;
    if (set[3].revents != 0) {
        std::uint64_t count = 0;  // read so that only the next request wakes poll() again
        [[maybe_unused]] const auto got = ::read(set[3].fd, &count, sizeof count);
    }
    if ((set[0].revents & POLLOUT) != 0) flush();
    const bool gone = set[2].revents != 0;
    if (set[1].revents != 0) read_output();
    if (set[0].revents != 0 || gone) read_socket();
    if (ended_) return;  // a nested call saw the end
    take_frames();
    if (gone && !ended_) {
        read_output();
        reap();
    }
}

void RunnerConnection::read_socket() {
    char block[kBlock];
    for (;;) {
        const ssize_t got = ::recv(runner_.socket.get(), block, sizeof block, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return;  // at the end of the stream the process descriptor says the rest
        decoder_.feed({block, static_cast<std::size_t>(got)});
        if (static_cast<std::size_t>(got) < sizeof block) return;
    }
}

void RunnerConnection::read_output() {
    char block[kBlock];
    const auto emit = [this](std::string_view line) { note(HP_LOG_INFO, line); };
    for (;;) {
        const ssize_t got = ::read(runner_.output.get(), block, sizeof block);
        if (got < 0 && errno == EINTR) continue;
        if (got == 0) {
            // Nobody can write any more; an open but finished pipe would keep poll() awake.
            lines_.finish(emit);
            runner_.output.reset();
        }
        if (got <= 0) return;
        lines_.feed({block, static_cast<std::size_t>(got)}, emit);
        if (static_cast<std::size_t>(got) < sizeof block) return;
    }
}

void RunnerConnection::take_frames() {
    while (auto body = decoder_.next()) {
        const auto frame = to_frame(*body);
        if (!frame) return break_off("it sent a frame that is not a JSON object");
        const auto type = text_field(*frame, "type");
        if (type == "ready" && !ready_) {
            ready_ = std::move(*body);
        } else if (type == "result") {
            results_[number_field(*frame, "id")] = std::move(*body);
        } else {
            take_frame(*frame);
        }
        if (ended_) return;
    }
    if (decoder_.too_large()) break_off("it sent a frame longer than 16 MiB");
}

void RunnerConnection::take_frame(const nlohmann::json& frame) {
    const auto type = text_field(frame, "type");
    if (type == "log") {
        note(static_cast<std::int32_t>(signed_field(frame, "level")), text_field(frame, "message"));
    } else if (type == "progress") {
        if (callbacks_.progress) callbacks_.progress(to_text(frame.value("event", nlohmann::json::object())));
    } else if (type == "service") {
        serve(frame);
    } else {
        break_off("it sent a frame of an unknown type");
    }
}

void RunnerConnection::serve(const nlohmann::json& frame) {
    const auto call_id = number_field(frame, "call");
    const ActiveCall* caller = nullptr;
    for (const auto* call : active_) {
        if (call->id == call_id) caller = call;
    }
    CallResult answer = tl::unexpected(CallFailure{
        HP_E_INVALID,
        diagnostic("host.no-such-call", "The host was called on behalf of a call that does not run")});
    if (caller != nullptr && callbacks_.service) {
        CallOptions options{std::chrono::milliseconds(0), caller->cancellation};
        if (caller->deadline) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(*caller->deadline - Clock::now());
            options.timeout = std::max(left, std::chrono::milliseconds(1));
        }
        const auto method = text_field(frame, "method");
        const auto params = to_text(frame.value("params", nlohmann::json::object()));
        answer = callbacks_.service({method, params, caller->instance, options});
    }
    const std::string id = std::to_string(number_field(frame, "id"));
    if (answer && !to_object(*answer)) {
        answer = tl::unexpected(CallFailure{
            HP_E_INTERNAL, diagnostic("host.bad-result", "The host's answer is not a JSON object")});
    }
    const std::int32_t code = answer ? HP_OK : answer.error().code;
    queue(R"({"type":"service_result","id":)" + id + R"(,"code":)" + std::to_string(code) +
          (answer ? R"(,"result":)" + *answer
                  : R"(,"diagnostic":)" + to_text(to_json(answer.error().diagnostic))) +
          "}");
}

void RunnerConnection::note(std::int32_t level, std::string_view message) {
    const auto text = printable(message, LineSplitter::kMaxLine);
    recent_lines_.push_back(text);
    if (recent_lines_.size() > kRecentLines) recent_lines_.pop_front();
    if (callbacks_.log) callbacks_.log(level, text);
}

void RunnerConnection::break_off(const std::string& reason) {
    if (ended_) return;
    protocol_problem_ = reason;
    signal_group(SIGKILL);
    reap();
}

// The group, so that programs the plugin runs end with it.
void RunnerConnection::signal_group(int signal) {
    if (::kill(-runner_.pid, signal) != 0) ::kill(runner_.pid, signal);
}

void RunnerConnection::reap() {
    if (ended_) return;
    siginfo_t info{};
    while (::waitid(P_PID, static_cast<id_t>(runner_.pid), &info, WEXITED) != 0 && errno == EINTR) {
    }
    lines_.finish([this](std::string_view line) { note(HP_LOG_INFO, line); });
    ended_ = true;
    end_text_ = describe_end(info);
    runner_.socket.reset();
    runner_.output.reset();
    runner_.process.reset();
}

}  // namespace harmony::host
