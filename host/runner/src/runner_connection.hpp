// One running runner, from its handshake to its end. Single-threaded; calls nest, because a service that the
// plugin asks for may call the plugin again.
#pragma once

#include "frame.hpp"
#include "line_splitter.hpp"
#include "spawn.hpp"

#include <chrono>
#include <deque>
#include <harmony/host/plugin_process.hpp>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace harmony::host {

struct RunnerCall {
    std::string_view op;
    std::uint64_t handle = 0;  // the plugin's own
    std::string_view method;
    std::string_view params;
    InstanceId instance = 0;  // the host's, told to the service callback
};

struct RunnerAnswer {
    std::string result;
    std::uint64_t handle = 0;
};

using RunnerResult = tl::expected<RunnerAnswer, CallFailure>;

class RunnerConnection {
 public:
    using Clock = std::chrono::steady_clock;

    // `callbacks` belongs to the owner, which may replace what is in it, and outlives the connection.
    static tl::expected<std::unique_ptr<RunnerConnection>, CallFailure> start(
        const PluginProcessOptions& options, const PluginFile& file, const PluginCallbacks& callbacks);
    ~RunnerConnection();
    RunnerConnection(const RunnerConnection&) = delete;
    RunnerConnection& operator=(const RunnerConnection&) = delete;

    [[nodiscard]] RunnerResult call(const RunnerCall& call, const CallOptions& options);
    // Asks the plugin to shut down, then ends the process. Idempotent.
    void close();

    [[nodiscard]] bool alive() const { return !ended_; }
    // It ended though nobody asked for it, or it had to be killed because a deadline passed.
    [[nodiscard]] bool died() const { return ended_ && !expected_end_; }
    [[nodiscard]] int process_id() const { return ended_ ? 0 : runner_.pid; }

 private:
    enum class Stage { Running, Cancelled, Terminated, Killed };

    struct ActiveCall {
        std::uint64_t id;
        InstanceId instance;
        std::optional<Clock::time_point> deadline;
        Cancellation* cancellation;
        Stage stage = Stage::Running;
        bool by_user = false;
        Clock::time_point next_stage{};
    };

    RunnerConnection(const PluginProcessOptions& options, const PluginCallbacks& callbacks,
                     SpawnedRunner runner);
    [[nodiscard]] std::optional<CallFailure> shake_hands(const PluginFile& file);
    [[nodiscard]] RunnerResult wait_for_result(ActiveCall& call);
    void advance(ActiveCall& call);
    [[nodiscard]] static int poll_timeout(const ActiveCall& call);
    [[nodiscard]] RunnerResult result_of(const ActiveCall& call, const nlohmann::json& frame) const;
    [[nodiscard]] CallFailure end_of(const ActiveCall& call);
    [[nodiscard]] CallFailure crash();

    void queue(const std::string& body);
    void pump(int timeout_ms, Cancellation* cancellation);
    void flush();
    void read_socket();
    void read_output();
    void take_frames();
    void take_frame(const nlohmann::json& frame);
    void serve(const nlohmann::json& frame);
    void note(std::int32_t level, std::string_view message);
    void break_off(const std::string& reason);
    void signal_group(int signal);
    void reap();

    const PluginProcessOptions& options_;
    const PluginCallbacks& callbacks_;
    SpawnedRunner runner_;
    FrameDecoder decoder_;
    LineSplitter lines_;
    std::string outgoing_;
    std::vector<ActiveCall*> active_;
    std::map<std::uint64_t, std::string> results_;  // whole result frames
    std::optional<std::string> ready_;
    std::deque<std::string> recent_lines_;
    std::string protocol_problem_;
    std::string end_text_;  // "was ended by signal SIGSEGV"
    std::uint64_t last_id_ = 0;
    bool ended_ = false;
    bool expected_end_ = false;
};

}  // namespace harmony::host
