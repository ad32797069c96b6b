// The commands that take longer than a moment, together.
#pragma once

#include <algorithm>

#include "harmony/agent/exec_command.hpp"
#include "harmony/agent/log_streams.hpp"

namespace harmony::agent {

class DeviceCommands final : public LongCommands {
 public:
    DeviceCommands(LogOptions log_options, ExecOptions exec_options, ExecCommand::HostRunner host_runner,
                   runtime::nats::NatsConnection& connection, const RuntimeFactory& runtimes,
                   const Clock& clock, runtime::daemon::MetricsRegistry& metrics)
        : logs_(std::move(log_options), connection, runtimes, clock, metrics),
          exec_(std::move(exec_options), connection, runtimes, std::move(host_runner), clock, metrics) {}

    Result<void> logs(const CommandCall& call) override { return logs_.begin(call); }
    Result<void> exec(const CommandCall& call) override { return exec_.begin(call); }
    void exec_refused(const CommandCall& call, const Error& why) override { exec_.note_refused(call, why); }

    void connection_changed() { logs_.connection_changed(); }
    // False: something still runs after `patience`.
    [[nodiscard]] bool stop(std::chrono::milliseconds patience) {
        const auto until = std::chrono::steady_clock::now() + patience;
        const bool streams_ended = logs_.stop(patience);
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        return exec_.stop(std::max(left, std::chrono::milliseconds(0))) && streams_ended;
    }

 private:
    LogStreams logs_;
    ExecCommand exec_;
};

}  // namespace harmony::agent
