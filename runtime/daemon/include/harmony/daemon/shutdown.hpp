// SIGTERM and SIGINT as an orderly end.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>

#include "harmony/result.hpp"

namespace harmony::runtime::daemon {

// Blocks SIGTERM, SIGINT and SIGHUP for the whole process and turns the first two into a stop request;
// ignores SIGPIPE. Create it first thing in main, before any thread, and only once. A second signal while
// stopping ends the process at once with 128 + signal.
class ShutdownSignals {
 public:
    [[nodiscard]] static Result<std::unique_ptr<ShutdownSignals>> install();
    ~ShutdownSignals();
    ShutdownSignals(const ShutdownSignals&) = delete;
    ShutdownSignals& operator=(const ShutdownSignals&) = delete;

    [[nodiscard]] std::stop_token token() const;
    // As if SIGTERM had come: for a daemon that decides to end itself.
    void request_stop();
    // Blocks the calling thread until a stop is requested. The signal that asked; 0: request_stop().
    int wait();
    // The same with a limit; nothing: it passed.
    [[nodiscard]] std::optional<int> wait_for(std::chrono::milliseconds timeout);

 private:
    struct Impl;
    explicit ShutdownSignals(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace harmony::runtime::daemon
