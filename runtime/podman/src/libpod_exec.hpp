// Running a program in a container: create, start with its streams attached, and its end, over libpod.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

#include "harmony/podman/container_runtime.hpp"
#include "stream_frames.hpp"

namespace harmony::runtime::http {
class HttpClient;
}

namespace harmony::runtime::podman {

// As ContainerRuntime::exec(). `base` leads every target.
[[nodiscard]] Result<ExecOutcome> run_exec(http::HttpClient& client, const std::string& base,
                                           const std::string& container, const ExecSpec& spec,
                                           std::chrono::milliseconds request_timeout, std::stop_token stop);

// Both streams of a program that runs, the beginning of each kept.
class ExecStreams {
 public:
    explicit ExecStreams(std::size_t max_bytes);
    ExecStreams(const ExecStreams&) = delete;
    ExecStreams& operator=(const ExecStreams&) = delete;

    // Corrupt where the bytes are no frames.
    [[nodiscard]] Result<void> feed(std::string_view bytes) { return frames_.feed(bytes); }
    [[nodiscard]] ExecOutcome take(int exit_code) &&;

 private:
    void keep(StreamKind stream, std::string_view bytes);

    const std::size_t max_bytes_;
    FrameReader frames_;
    ExecOutcome outcome_;
};

}  // namespace harmony::runtime::podman
