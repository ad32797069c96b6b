#include "libpod_exec.hpp"

#include <unistd.h>

#include <climits>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "errors.hpp"
#include "harmony/http/client.hpp"
#include "harmony/podman/process_tree.hpp"
#include "libpod_json.hpp"

namespace harmony::runtime::podman {
namespace {

using http::percent_encode;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kKillPatience{2'000};
constexpr milliseconds kPoll{20};
// Podman notes the end a moment after the streams have closed.
constexpr milliseconds kEndPatience{5'000};
constexpr std::size_t kMaxBodyBytes = 1024 * 1024;

// The process namespace; empty where it can't be seen.
std::string namespace_of(pid_t pid) {
    char target[PATH_MAX];
    const std::string link = "/proc/" + std::to_string(pid) + "/ns/pid";
    const ssize_t length = readlink(link.c_str(), target, sizeof target);
    return length > 0 ? std::string(target, static_cast<std::size_t>(length)) : std::string();
}

class Exec {
 public:
    Exec(http::HttpClient& client, const std::string& base, const std::string& container,
         milliseconds request_timeout)
        : client_(client),
          base_(base),
          container_(container),
          what_("exec in container " + container),
          request_timeout_(request_timeout) {}

    Result<void> create(const ExecSpec& spec) {
        auto body = call("POST", "/containers/" + percent_encode(container_) + "/exec",
                         encode_exec_create(spec.argv));
        if (!body) return fail(body.error());
        auto id = decode_created(*body);
        if (!id) return fail(id.error().wrap(what_));
        id_ = *std::move(id);
        return {};
    }

    // Success: the streams have ended. Timeout, Cancelled: they have not.
    Result<void> run(ExecStreams& streams, Clock::time_point until, const std::stop_token& stop) {
        Result<void> fed;
        const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
        auto response = client_.stream(
            {.method = "POST",
             .target = base_ + "/exec/" + id_ + "/start",
             .body = R"({"Detach":false,"Tty":false})",
             .headers = {{"Content-Type", "application/json"}}},
            [&](std::string_view bytes) {
                fed = streams.feed(bytes);
                return fed.has_value();
            },
            {.header_deadline = std::max(left, milliseconds(1)), .until = until, .stop = stop});
        if (!fed) return fail(fed.error().wrap(what_));
        if (!response) return fail(response.error().wrap(what_));
        if (response->status >= 300) {
            return fail(refusal(response->status, decode_error_message(response->body), what_));
        }
        return {};
    }

    Result<int> exit_code() {
        const auto until = Clock::now() + kEndPatience;
        for (;;) {
            auto state = inspect();
            if (!state) return fail(state.error());
            if (!state->running) return state->exit_code;
            if (Clock::now() > until) {
                return fail(ErrorKind::Internal, what_ + ": podman does not tell how it ended");
            }
            std::this_thread::sleep_for(kPoll);
        }
    }

    // True when nothing of it runs any more.
    bool end() {
        const auto until = Clock::now() + kKillPatience;
        bool killed = false;
        while (Clock::now() < until) {
            const auto state = inspect();
            if (!state) return false;
            if (!state->running) return killed || state->pid == 0;
            // Only a process that is in this container's namespace is podman's: a number may stand for
            // somebody else where podman runs in a namespace of its own.
            if (state->pid > 0 && is_in_container(state->pid)) {
                killed = kill_session(state->pid, kKillPatience);
                if (!killed) return false;
            }
            std::this_thread::sleep_for(kPoll);
        }
        return false;
    }

 private:
    bool is_in_container(pid_t pid) {
        auto body = call("GET", "/containers/" + percent_encode(container_) + "/json");
        if (!body) return false;
        const auto space = namespace_of(decode_container_pid(*body));
        return !space.empty() && space == namespace_of(pid);
    }

    Result<ExecState> inspect() {
        auto body = call("GET", "/exec/" + id_ + "/json");
        if (!body) return fail(body.error());
        return decode_exec_state(*body);
    }

    Result<std::string> call(std::string method, const std::string& target, std::string body = {}) {
        http::Request request{
            .method = std::move(method), .target = base_ + target, .body = std::move(body), .headers = {}};
        if (!request.body.empty()) request.headers.push_back({"Content-Type", "application/json"});
        auto response =
            client_.request(request, {.deadline = request_timeout_, .max_body_bytes = kMaxBodyBytes});
        if (!response) return fail(response.error().wrap(what_));
        if (response->status >= 300) {
            return fail(refusal(response->status, decode_error_message(response->body), what_));
        }
        return std::move(response->body);
    }

    http::HttpClient& client_;
    const std::string& base_;
    const std::string& container_;
    const std::string what_;
    const milliseconds request_timeout_;
    std::string id_;
};

}  // namespace

ExecStreams::ExecStreams(std::size_t max_bytes)
    : max_bytes_(max_bytes),
      frames_([this](StreamKind stream, std::string_view bytes, bool /*begins*/) { keep(stream, bytes); }) {}

void ExecStreams::keep(StreamKind stream, std::string_view bytes) {
    std::string& kept = stream == StreamKind::Output ? outcome_.standard_output : outcome_.standard_error;
    const std::size_t room = max_bytes_ - std::min(max_bytes_, kept.size());
    if (bytes.size() > room) outcome_.truncated = true;
    kept.append(bytes.substr(0, room));
}

ExecOutcome ExecStreams::take(int exit_code) && {
    outcome_.exit_code = exit_code;
    return std::move(outcome_);
}

Result<ExecOutcome> run_exec(http::HttpClient& client, const std::string& base, const std::string& container,
                             const ExecSpec& spec, milliseconds request_timeout, std::stop_token stop) {
    const auto until = Clock::now() + spec.timeout;
    Exec exec(client, base, container, request_timeout);
    if (auto created = exec.create(spec); !created) return fail(created.error());
    ExecStreams streams(spec.max_stream_bytes);
    auto ran = exec.run(streams, until, stop);
    if (!ran) {
        const bool ended = exec.end();
        Error why = ran.error();
        if (why.kind() == ErrorKind::Timeout) {
            why = Error(ErrorKind::Timeout, "the command did not end within " +
                                                std::to_string(spec.timeout.count() / 1000) +
                                                (ended ? " s and was killed" : " s"));
        }
        if (!ended) why = why.wrap("the command could not be killed and may still run");
        return fail(std::move(why));
    }
    const auto code = exec.exit_code();
    if (!code) return fail(code.error());
    return std::move(streams).take(*code);
}

}  // namespace harmony::runtime::podman
