// The runner's side of the protocol. One thread reads frames; calls run on the main thread, except that a
// plugin thread which waits for a service runs the calls that arrive meanwhile (a plugin that uses its own
// Topology is called again before its first call has ended).
#pragma once

#include "frame.hpp"
#include "loaded_plugin.hpp"

#include <condition_variable>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

namespace harmony::host {

class RunnerSession : public PluginServices {
 public:
    explicit RunnerSession(int socket) : socket_(socket) {}

    // Serves until the host closes the connection, then ends the process without running the plugin's static
    // destructors. Returns only when the handshake failed: the exit code.
    int run();

    Answer invoke(std::uint64_t call_id, std::string_view method, std::string_view params) override;
    void log(std::uint64_t call_id, std::int32_t level, std::string_view message) override;
    void progress(std::uint64_t call_id, std::string_view event) override;

 private:
    struct Call {
        std::uint64_t id;
        std::string op;
        std::uint64_t instance;
        std::string method;
        std::string params;
        std::int64_t deadline_ns;
    };

    [[nodiscard]] std::optional<nlohmann::json> read_frame();
    bool shake_hands(const nlohmann::json& hello);
    void read_forever();
    void accept_frame(const nlohmann::json& frame);
    void run_call(const Call& call);
    void send(const std::string& body);
    void refuse_handshake(const std::string& nonce, const Diagnostic& problem);

    int socket_;
    FrameDecoder decoder_;
    std::unique_ptr<LoadedPlugin> plugin_;
    std::mutex send_mutex_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Call> calls_;
    std::map<std::uint64_t, std::optional<Answer>> waiting_;
    std::uint64_t last_service_ = 0;
};

}  // namespace harmony::host
