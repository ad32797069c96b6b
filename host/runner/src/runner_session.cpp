#include "runner_session.hpp"

#include "message.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <harmony/host/json_text.hpp>
#include <thread>

namespace harmony::host {
namespace {

[[noreturn]] void leave(int code) {
    // Not exit(): static destructors of a plugin whose threads may still run are nobody's business.
    ::_exit(code);
}

constexpr int kHostGone = 0;
constexpr int kProtocolBroken = 3;

}  // namespace

std::optional<nlohmann::json> RunnerSession::read_frame() {
    char block[64 * 1024];
    for (;;) {
        if (auto body = decoder_.next()) {
            auto frame = to_frame(*body);
            if (!frame) leave(kProtocolBroken);
            return frame;
        }
        if (decoder_.too_large()) leave(kProtocolBroken);
        const ssize_t got = ::recv(socket_, block, sizeof block, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return std::nullopt;
        decoder_.feed({block, static_cast<std::size_t>(got)});
    }
}

void RunnerSession::send(const std::string& body) {
    const std::string frame = encode_frame(body);
    std::string_view rest = frame;
    const std::lock_guard lock(send_mutex_);
    while (!rest.empty()) {
        const ssize_t sent = ::send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) leave(kHostGone);
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
}

void RunnerSession::refuse_handshake(const std::string& nonce, const Diagnostic& problem) {
    send(to_text(
        {{"type", "ready"}, {"nonce", nonce}, {"code", problem.status}, {"diagnostic", to_json(problem)}}));
}

bool RunnerSession::shake_hands(const nlohmann::json& hello) {
    if (text_field(hello, "type") != "hello") leave(kProtocolBroken);
    const auto nonce = text_field(hello, "nonce");
    auto loaded =
        LoadedPlugin::load(static_cast<int>(number_field(hello, "fd")), text_field(hello, "host"), *this);
    if (!loaded) {
        refuse_handshake(nonce, loaded.error());
        return false;
    }
    plugin_ = std::move(*loaded);
    send(to_text({{"type", "ready"}, {"nonce", nonce}, {"level", plugin_->level()}}));
    return true;
}

int RunnerSession::run() {
    const auto hello = read_frame();
    if (!hello) return kHostGone;
    if (!shake_hands(*hello)) return 1;
    std::thread(&RunnerSession::read_forever, this).detach();
    for (;;) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !calls_.empty(); });
        const Call call = std::move(calls_.front());
        calls_.pop_front();
        lock.unlock();
        run_call(call);
    }
}

void RunnerSession::read_forever() {
    while (auto frame = read_frame())
        accept_frame(*frame);
    leave(kHostGone);
}

void RunnerSession::accept_frame(const nlohmann::json& frame) {
    const auto type = text_field(frame, "type");
    const auto id = number_field(frame, "id");
    if (type == "cancel") {
        plugin_->cancel(id);
    } else if (type == "call") {
        const auto timeout_ms = signed_field(frame, "timeout_ms");
        Call call{id,
                  text_field(frame, "op"),
                  number_field(frame, "instance"),
                  text_field(frame, "method"),
                  to_text(frame.value("params", nlohmann::json::object())),
                  timeout_ms > 0 ? monotonic_ns() + timeout_ms * 1000000 : 0};
        if (call.op == "create" || call.op == "invoke") plugin_->announce(id, call.deadline_ns);
        const std::lock_guard lock(mutex_);
        calls_.push_back(std::move(call));
        changed_.notify_all();
    } else if (type == "service_result") {
        Answer answer;
        answer.code = static_cast<std::int32_t>(signed_field(frame, "code"));
        const char* body = answer.code == HP_OK ? "result" : "diagnostic";
        answer.body = to_text(frame.value(body, nlohmann::json::object()));
        const std::lock_guard lock(mutex_);
        const auto waiter = waiting_.find(id);
        if (waiter != waiting_.end()) waiter->second = std::move(answer);
        changed_.notify_all();
    } else {
        leave(kProtocolBroken);
    }
}

void RunnerSession::run_call(const Call& call) {
    auto answer = plugin_->call(call.id, call.op, call.instance, call.method, call.params, call.deadline_ns);
    const auto object = to_object(answer.body);
    if (answer.code == HP_OK && !object) {
        answer.code = HP_E_INTERNAL;
        answer.body = to_text(to_json(diagnostic(
            "plugin.bad-result", "The plugin's answer to " + printable(call.method) + " is not a JSON object",
            "It is a bug of the plugin: report it to its author.")));
    } else if (!object) {
        answer.body = "{}";
    }
    // The body was parsed above, so it is put in as it is.
    std::string body = R"({"type":"result","id":)" + std::to_string(call.id) + R"(,"code":)" +
                       std::to_string(answer.code) + R"(,"instance":)" + std::to_string(answer.instance) +
                       (answer.code == HP_OK ? R"(,"result":)" : R"(,"diagnostic":)") + answer.body + "}";
    send(body);
}

Answer RunnerSession::invoke(std::uint64_t call_id, std::string_view method, std::string_view params) {
    const auto object = to_object(params);
    if (!object) {
        return {HP_E_INVALID,
                to_text(to_json(diagnostic("host.params-invalid",
                                           "The parameters of a call to the host are not a JSON object"))),
                0};
    }
    std::unique_lock lock(mutex_);
    const auto id = ++last_service_;
    waiting_[id] = std::nullopt;
    lock.unlock();
    send(to_text({{"type", "service"},
                  {"id", id},
                  {"call", call_id},
                  {"method", printable(method)},
                  {"params", *object}}));
    lock.lock();
    for (;;) {
        changed_.wait(lock, [&] { return waiting_[id].has_value() || !calls_.empty(); });
        if (waiting_[id]) {
            auto answer = std::move(*waiting_[id]);
            waiting_.erase(id);
            return answer;
        }
        const Call call = std::move(calls_.front());
        calls_.pop_front();
        lock.unlock();
        run_call(call);
        lock.lock();
    }
}

void RunnerSession::log(std::uint64_t call_id, std::int32_t level, std::string_view message) {
    constexpr std::size_t kMaxMessage = 16 * 1024;
    send(to_text({{"type", "log"},
                  {"call", call_id},
                  {"level", level},
                  {"message", printable(message, kMaxMessage)}}));
}

void RunnerSession::progress(std::uint64_t call_id, std::string_view event) {
    const auto object = to_object(event);
    if (object) send(to_text({{"type", "progress"}, {"call", call_id}, {"event", *object}}));
}

}  // namespace harmony::host
