// What every call into a plugin can see and say.
#pragma once

#include <chrono>
#include <cstdint>
#include <harmony/plugin/fields.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace harmony::plugin {

// Where an instance lives. The same for all of its calls.
struct Session {
    std::string context;      // the context's name
    std::string run_id{};     // empty where nothing is changed
    std::string state_dir{};  // a folder of the context that the topology owns; it may not exist yet
    std::vector<std::string> program_dirs{};  // folders with the programs shipped beside the host
    std::vector<std::string> capabilities{};  // what the context's topology offers

    static auto fields() {
        return harmony::plugin::fields(field("context", &Session::context), field("run_id", &Session::run_id),
                                       field("state_dir", &Session::state_dir),
                                       field("program_dirs", &Session::program_dirs),
                                       field("capabilities", &Session::capabilities));
    }
    [[nodiscard]] bool offers(std::string_view capability) const;
};

// A named part of a scenario that begins, or has ended.
struct StepEvent {
    std::string name;
    bool ended = false;
    // Of one that has ended:
    bool ok = false;
    std::string detail{};
    std::int64_t duration_ms = 0;
};

enum class LogLevel : std::int32_t {
    Debug = HP_LOG_DEBUG,
    Info = HP_LOG_INFO,
    Warning = HP_LOG_WARNING,
    Error = HP_LOG_ERROR
};

// One running call. Valid until the call returns; every function may be called from any thread until then.
class Call {
 public:
    using Clock = std::chrono::steady_clock;

    Call() = default;
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    virtual ~Call() = default;

    // One line, without a newline and without secrets.
    virtual void log(LogLevel level, std::string_view message) = 0;
    // What the user sees while this runs; fraction is 0 to 1.
    virtual void progress(std::string_view message, std::optional<double> fraction = std::nullopt) = 0;
    // Progress of a scenario, which the user sees step by step. Used by ScenarioRun::step().
    virtual void step(const StepEvent& event) { progress(event.name); }
    // True once the user has cancelled it or its deadline has passed: return cancelled_failure() soon.
    [[nodiscard]] virtual bool cancelled() const = 0;
    [[nodiscard]] virtual std::optional<Clock::time_point> deadline() const = 0;
    // Sleeps, and wakes early when the call is cancelled. True when the whole time has passed.
    virtual bool wait(std::chrono::milliseconds time) = 0;
    // Calls the host (spec/methods.md, "What the host answers").
    virtual Result<Json> invoke(std::string_view method, const Json& params) = 0;

    void debug(std::string_view message) { log(LogLevel::Debug, message); }
    void info(std::string_view message) { log(LogLevel::Info, message); }
    void warn(std::string_view message) { log(LogLevel::Warning, message); }
};

// Carries a capability's methods. The client side of an interface is built on it.
class CapabilityCaller {
 public:
    virtual ~CapabilityCaller() = default;
    // The result, or the diagnostic of whoever answers, with HP_E_FAILED unless it was cancelled.
    virtual Result<Json> call(std::string_view capability, std::string_view method, const Json& params) = 0;
};

}  // namespace harmony::plugin
