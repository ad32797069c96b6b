#include "running_call.hpp"

#include <algorithm>

namespace harmony::plugin::detail {

namespace {

// How long a cancellation that the host only reports when asked may go unnoticed in wait().
constexpr std::chrono::milliseconds kCancelPoll{50};

struct Buffer {
    std::string text;
};

std::int32_t append(void* context, hp_bytes chunk) noexcept {
    auto* buffer = static_cast<Buffer*>(context);
    if (chunk.length > kMaxMessageBytes - buffer->text.size()) return HP_E_TOO_LARGE;
    try {
        buffer->text += text_of(chunk);
    } catch (...) {
        return HP_E_TOO_LARGE;
    }
    return HP_OK;
}

hp_sink sink_into(Buffer& buffer) {
    return {.size = sizeof(hp_sink), .reserved = 0, .context = &buffer, .write = append};
}

}  // namespace

hp_bytes bytes_of(std::string_view text) {
    return {.data = reinterpret_cast<const std::uint8_t*>(text.data()), .length = text.size()};
}

std::string_view text_of(hp_bytes bytes) {
    if (bytes.data == nullptr) return {};
    return {reinterpret_cast<const char*>(bytes.data), static_cast<std::size_t>(bytes.length)};
}

std::int32_t write_to(const hp_sink* sink, std::string_view text) {
    if (sink == nullptr || !HARMONY_HAS_MEMBER(sink, hp_sink, write) || sink->write == nullptr) return HP_OK;
    return sink->write(sink->context, bytes_of(text));
}

Json diagnostic_json(const Diagnostic& diagnostic) {
    Json json = Json::object({{"code", diagnostic.code}, {"summary", diagnostic.summary}});
    if (!diagnostic.detail.empty()) json["detail"] = diagnostic.detail;
    if (!diagnostic.hint.empty()) json["hint"] = diagnostic.hint;
    if (!diagnostic.path.empty()) json["path"] = diagnostic.path;
    if (diagnostic.retryable) json["retryable"] = true;
    if (diagnostic.exit_code != 0) json["exit_code"] = static_cast<std::int64_t>(diagnostic.exit_code);
    return json;
}

Diagnostic diagnostic_from(std::string_view text, std::int32_t status) {
    auto parsed = Json::parse(text);
    const Json json = parsed ? std::move(*parsed) : Json();
    return {.code = json["code"].string_or("host.failed"),
            .summary = json["summary"].string_or("the host answered with result " + std::to_string(status)),
            .detail = json["detail"].string_or(""),
            .hint = json["hint"].string_or(""),
            .path = json["path"].string_or(""),
            .retryable = json["retryable"].boolean_or(false),
            .status = status,
            .exit_code = static_cast<std::int32_t>(json["exit_code"].integer_or(0))};
}

RunningCall::RunningCall(const hp_services* services, const hp_call& call)
    : services_(services), id_(call.id), deadline_ns_(call.deadline_ns) {
    // The steady clock is CLOCK_MONOTONIC in both libstdc++ and libc++ on Linux.
    if (deadline_ns_ != 0) {
        deadline_ = Clock::time_point(
            std::chrono::duration_cast<Clock::duration>(std::chrono::nanoseconds(deadline_ns_)));
    }
}

void RunningCall::log(LogLevel level, std::string_view message) {
    if (services_ == nullptr || !HARMONY_HAS_MEMBER(services_, hp_services, log) ||
        services_->log == nullptr) {
        return;
    }
    services_->log(services_->context, id_, static_cast<std::int32_t>(level), bytes_of(message));
}

void RunningCall::progress(std::string_view message, std::optional<double> fraction) {
    Json event = Json::object({{"message", message}});
    if (fraction) event["fraction"] = std::clamp(*fraction, 0.0, 1.0);
    send_progress(event);
}

void RunningCall::step(const StepEvent& event) {
    Json step = Json::object({{"name", event.name}, {"state", event.ended ? "end" : "begin"}});
    if (event.ended) {
        step["ok"] = event.ok;
        step["duration_ms"] = event.duration_ms;
        if (!event.detail.empty()) step["detail"] = event.detail;
    }
    send_progress(Json::object({{"message", event.name}, {"step", std::move(step)}}));
}

void RunningCall::send_progress(const Json& event) {
    if (services_ == nullptr || !HARMONY_HAS_MEMBER(services_, hp_services, progress) ||
        services_->progress == nullptr) {
        return;
    }
    const std::string text = event.dump();
    services_->progress(services_->context, id_, bytes_of(text));
}

bool RunningCall::cancelled() const {
    if (cancelled_.load() || deadline_passed()) return true;
    if (services_ == nullptr || !HARMONY_HAS_MEMBER(services_, hp_services, cancelled) ||
        services_->cancelled == nullptr) {
        return false;
    }
    return services_->cancelled(services_->context, id_) != 0;
}

bool RunningCall::wait(std::chrono::milliseconds time) {
    const auto end = Clock::now() + time;
    for (;;) {
        if (cancelled()) return false;
        const auto now = Clock::now();
        if (now >= end) return true;
        auto until = std::min(end, now + kCancelPoll);
        if (deadline_) until = std::min(until, *deadline_);
        std::unique_lock lock(mutex_);
        woken_.wait_until(lock, until, [&] { return cancelled_.load(); });
    }
}

void RunningCall::cancel() {
    {
        std::lock_guard lock(mutex_);
        cancelled_.store(true);
    }
    woken_.notify_all();
}

Result<Json> RunningCall::invoke(std::string_view method, const Json& params) {
    if (services_ == nullptr || !HARMONY_HAS_MEMBER(services_, hp_services, invoke) ||
        services_->invoke == nullptr) {
        return failure("host.no-services", "this host answers no calls of plugins");
    }
    const std::string text = params.dump();
    Buffer result;
    Buffer problem;
    const hp_sink result_sink = sink_into(result);
    const hp_sink problem_sink = sink_into(problem);
    const hp_call call{.size = sizeof(hp_call),
                       .reserved = 0,
                       .id = id_,
                       .instance = 0,
                       .deadline_ns = deadline_ns_,
                       .method = bytes_of(method),
                       .params = bytes_of(text),
                       .result = &result_sink,
                       .diagnostic = &problem_sink};
    const std::int32_t status = services_->invoke(services_->context, &call);
    if (status != HP_OK) return failure(diagnostic_from(problem.text, status));
    auto parsed = Json::parse(result.text.empty() ? std::string_view("{}") : std::string_view(result.text));
    if (!parsed) {
        return failure("host.bad-answer",
                       "the host's answer to " + std::string(method) + ": " + parsed.error().summary);
    }
    return parsed;
}

}  // namespace harmony::plugin::detail
