// A plugin at work. Its code runs in a runner process that is started with the first call and reused until
// close(). The same interface works without a process for debuggers and tests (Isolation::None).
//
// One thread uses a PluginProcess, and it should be the process's main thread: the kernel ends a runner with
// the thread that started it. Callbacks run on that thread, inside the call they belong to; the service
// callback may call other plugins, and this one on another instance.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <harmony/host/cancellation.hpp>
#include <harmony/host/diagnostics.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace harmony::host {

enum class Isolation { Process, None };

struct CallFailure {
    std::int32_t code = 0;  // HP_E_... of harmony/plugin.h
    Diagnostic diagnostic;
};

// JSON text of the result object, or why there is none.
using CallResult = tl::expected<std::string, CallFailure>;

// Names an instance in this host. One of a runner that has died since is HP_E_HANDLE, never another's.
using InstanceId = std::uint64_t;

struct CallOptions {
    std::chrono::milliseconds timeout{0};  // 0: no deadline
    Cancellation* cancellation = nullptr;  // may be null; outlives the call
};

// What a plugin asks of the host while one of its calls runs.
struct ServiceRequest {
    std::string_view method;
    std::string_view params;  // JSON text
    InstanceId instance;      // of the call on whose behalf it asks; 0 while it is being created
    CallOptions options;      // what is left of that call's deadline, and its cancellation
};

struct PluginCallbacks {
    std::function<CallResult(const ServiceRequest&)> service;
    // level is HP_LOG_...; message is one line of valid UTF-8.
    std::function<void(std::int32_t level, std::string_view message)> log;
    // JSON text: {"message": text, "fraction"?: 0..1}.
    std::function<void(std::string_view event)> progress;
};

struct PluginProcessOptions {
    std::string path;       // the plugin
    std::string plugin_id;  // for messages
    Isolation isolation = Isolation::Process;
    std::string host_name = "harmony";                 // name and version, told to the plugin
    std::string runner_executable = "/proc/self/exe";  // started with the first argument __runner
    std::chrono::milliseconds start_timeout{10000};
    // After a cancel, and again after SIGTERM (plugin-api/spec/runner-protocol.md).
    std::chrono::milliseconds grace{2000};
};

class PluginProcess {
 public:
    virtual ~PluginProcess() = default;

    // params is JSON text as plugin-api/spec/methods.md has it for `create`.
    [[nodiscard]] virtual tl::expected<InstanceId, CallFailure> create(std::string_view params,
                                                                       const CallOptions& options) = 0;
    // instance 0 for methods that need none (plugin.describe).
    [[nodiscard]] virtual CallResult invoke(InstanceId instance, std::string_view method,
                                            std::string_view params, const CallOptions& options) = 0;
    virtual CallResult destroy(InstanceId instance, const CallOptions& options) = 0;
    // Ends every instance and the runner: asks, then SIGTERM, then SIGKILL. Also done by the destructor.
    // The next call would start it again.
    virtual void close() = 0;

    // Of the file as loaded; empty before the first call.
    [[nodiscard]] virtual std::string sha256() const = 0;
    // 0 when no runner runs.
    [[nodiscard]] virtual int process_id() const = 0;
    // Replaces the callbacks, for example when another Score begins.
    virtual void set_callbacks(PluginCallbacks callbacks) = 0;
};

// Starts nothing yet. A runner that dies twice is not started again (plugin.quarantined).
// Codes of calls: plugin.crashed (signal or exit code, last log lines), plugin.deadline, plugin.cancelled,
// plugin.quarantined, plugin.load-failed, plugin.manifest-differs, plugin.protocol, those of
// open_plugin_file(), and whatever the plugin itself says.
[[nodiscard]] std::unique_ptr<PluginProcess> make_plugin_process(PluginProcessOptions options,
                                                                 PluginCallbacks callbacks);

}  // namespace harmony::host
