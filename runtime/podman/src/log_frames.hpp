// Podman's log stream: frames of an 8-byte header (stream, three zeros, big-endian length) and their bytes.
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "harmony/podman/container_runtime.hpp"

namespace harmony::runtime::podman {

// Takes the bytes as they come, in pieces of any size, and keeps the last lines within the request's limits.
class LogCollector {
 public:
    explicit LogCollector(const LogRequest& request) : request_(request) {}

    // Corrupt where the bytes are no frames.
    [[nodiscard]] Result<void> feed(std::string_view bytes);
    // Everything so far; an unfinished last line counts.
    [[nodiscard]] LogTail finish();

 private:
    void take_frame(unsigned char stream, std::string_view text);
    void keep(std::string stream, std::string text);

    const LogRequest request_;
    std::string buffer_;
    std::string partial_[2];  // stdout, stderr
    std::deque<LogLine> lines_;
    std::size_t bytes_ = 0;
    bool truncated_ = false;
};

}  // namespace harmony::runtime::podman
