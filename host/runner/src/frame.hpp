// Frames of the runner protocol (plugin-api/spec/runner-protocol.md): a length and that many bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace harmony::host {

// 16 MiB for a result and 64 KiB for what surrounds it.
inline constexpr std::size_t kMaxFrameBytes = 16 * 1024 * 1024 + 64 * 1024;
inline constexpr std::size_t kMaxResultBytes = 16 * 1024 * 1024;

[[nodiscard]] std::string encode_frame(std::string_view body);

// Turns a stream into frames. No I/O. After too_large() it yields nothing more.
class FrameDecoder {
 public:
    void feed(std::string_view bytes);
    // The next whole frame's body.
    [[nodiscard]] std::optional<std::string> next();
    [[nodiscard]] bool too_large() const { return too_large_; }
    // Bytes of a frame that has not ended yet.
    [[nodiscard]] std::size_t pending() const { return buffer_.size() - consumed_; }

 private:
    std::string buffer_;
    std::size_t consumed_ = 0;
    bool too_large_ = false;
};

}  // namespace harmony::host
