#include "supervisor_client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>

#include "child_program.hpp"
#include "control_protocol.hpp"
#include "daemon_plan.hpp"
#include "process_identity.hpp"

namespace harmony::local {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kStartTimeout{10};
constexpr std::chrono::milliseconds kRetryInterval{10};
constexpr std::chrono::milliseconds kCancelInterval{100};

bool send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

}  // namespace

SupervisorClient::SupervisorClient(const ContextFolders& context, std::vector<std::string> program_dirs)
    : context_(context), program_dirs_(std::move(program_dirs)) {}

std::optional<Descriptor> SupervisorClient::connect() const {
    const std::string path = context_.control_socket().string();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return std::nullopt;
    std::memcpy(address.sun_path, path.data(), path.size());
    Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return std::nullopt;
    }
    return fd;
}

Outcome<void> SupervisorClient::spawn() const {
    auto program = resolve_program("harmony-local-supervisor", program_dirs_);
    if (!program) return pass_on(program.error());
    auto result = run_program({*program, "--state-dir", context_.state().string()}, {}, kStartTimeout);
    if (!result) return pass_on(result.error());
    if (result->exit_code == 0) return {};
    Problem failed{"local.supervisor-failed",
                   "the supervisor of the local daemons could not be started",
                   {},
                   {},
                   {},
                   true};
    failed.detail = result->errors;
    return pass_on(std::move(failed));
}

Outcome<Descriptor> SupervisorClient::connect_or_start() {
    const auto deadline = Clock::now() + kStartTimeout;
    for (;;) {
        if (auto fd = connect()) return std::move(*fd);
        if (auto spawned = spawn(); !spawned) return pass_on(spawned.error());
        if (auto fd = connect()) return std::move(*fd);
        if (Clock::now() >= deadline) {
            return problem("local.supervisor-silent",
                           "the supervisor of the local daemons runs but does not answer on " +
                               context_.control_socket().string(),
                           "look at " + context_.supervisor_log().string());
        }
        // Another one is just starting or just ending.
        std::this_thread::sleep_for(kRetryInterval);
    }
}

Outcome<void> SupervisorClient::start() {
    auto pong = request("ping", json::object(), [] { return false; });
    if (!pong) return pass_on(pong.error());
    return {};
}

Outcome<std::optional<json>> SupervisorClient::exchange(int fd, const std::string& method, const json& params,
                                                        const Cancelled& cancelled) const {
    if (!send_all(fd, encode_frame({{"method", method}, {"params", params}}))) return std::optional<json>{};
    std::string buffer;
    std::array<char, 16384> chunk{};
    for (;;) {
        auto answer = take_frame(buffer);
        if (!answer || *answer) return answer;
        pollfd readable{fd, POLLIN, 0};
        const int ready = ::poll(&readable, 1, static_cast<int>(kCancelInterval.count()));
        if (cancelled()) return problem("local.cancelled", "the call was cancelled");
        if (ready <= 0) continue;
        const ssize_t count = ::recv(fd, chunk.data(), chunk.size(), 0);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return std::optional<json>{};
        buffer.append(chunk.data(), static_cast<std::size_t>(count));
    }
}

Outcome<json> SupervisorClient::request(const std::string& method, const json& params,
                                        const Cancelled& cancelled) {
    for (int attempt = 0; attempt < 3; ++attempt) {
        auto fd = connect_or_start();
        if (!fd) return pass_on(fd.error());
        auto answer = exchange(fd->get(), method, params, cancelled);
        if (!answer) return pass_on(answer.error());
        if (!*answer) continue;
        if ((*answer)->contains("problem")) return pass_on(problem_from_json((*answer)->at("problem")));
        return (*answer)->value("result", json::object());
    }
    return problem("local.supervisor-silent", "the supervisor of the local daemons ended while it was needed",
                   "look at " + context_.supervisor_log().string());
}

Outcome<bool> SupervisorClient::end_if_idle() {
    if (!is_locked(context_.supervisor_lock())) return true;
    auto fd = connect();
    if (!fd) return false;
    auto answer = exchange(fd->get(), "shutdown", json::object(), [] { return false; });
    if (!answer) return pass_on(answer.error());
    if (*answer && !(*answer)->value("result", json::object()).value("stopping", false)) return false;
    fd->reset();
    const auto deadline = Clock::now() + kStartTimeout;
    while (is_locked(context_.supervisor_lock()) && Clock::now() < deadline) {
        std::this_thread::sleep_for(kRetryInterval);
    }
    return !is_locked(context_.supervisor_lock());
}

}  // namespace harmony::local
