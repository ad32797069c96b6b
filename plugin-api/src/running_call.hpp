#pragma once

#include <atomic>
#include <condition_variable>
#include <harmony/plugin/call.hpp>
#include <mutex>

namespace harmony::plugin::detail {

// A result, params object or diagnostic is at most this long (spec/methods.md).
inline constexpr std::size_t kMaxMessageBytes = 16 * 1024 * 1024;

// True when the side that filled the struct knows the member.
#define HARMONY_HAS_MEMBER(pointer, type, member) \
    ((pointer)->size >= offsetof(type, member) + sizeof((pointer)->member))

hp_bytes bytes_of(std::string_view text);
std::string_view text_of(hp_bytes bytes);
// HP_OK, or what the sink answered.
std::int32_t write_to(const hp_sink* sink, std::string_view text);

Json diagnostic_json(const Diagnostic& diagnostic);
// Reads leniently: a diagnostic that is not as it should be still becomes one.
Diagnostic diagnostic_from(std::string_view text, std::int32_t status);

// A call from the host while it runs. The thread that runs it owns it; cancel() comes from any.
class RunningCall final : public Call {
 public:
    RunningCall(const hp_services* services, const hp_call& call);

    void log(LogLevel level, std::string_view message) override;
    void progress(std::string_view message, std::optional<double> fraction) override;
    void step(const StepEvent& event) override;
    [[nodiscard]] bool cancelled() const override;
    [[nodiscard]] std::optional<Clock::time_point> deadline() const override { return deadline_; }
    bool wait(std::chrono::milliseconds time) override;
    Result<Json> invoke(std::string_view method, const Json& params) override;

    void cancel();
    [[nodiscard]] bool deadline_passed() const { return deadline_ && Clock::now() >= *deadline_; }
    [[nodiscard]] std::uint64_t id() const { return id_; }

 private:
    void send_progress(const Json& event);

    const hp_services* services_;
    std::uint64_t id_;
    std::int64_t deadline_ns_;
    std::optional<Clock::time_point> deadline_;
    std::atomic<bool> cancelled_ = false;
    std::mutex mutex_;
    std::condition_variable woken_;
};

}  // namespace harmony::plugin::detail
