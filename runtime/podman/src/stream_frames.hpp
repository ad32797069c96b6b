// Podman's multiplexed streams, of logs and of commands that run: frames of an 8-byte header (stream, three
// zeros, big-endian length) and their bytes.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <string_view>

#include "harmony/result.hpp"

namespace harmony::runtime::podman {

enum class StreamKind : unsigned char {
    Input = 0,
    Output = 1,
    Error = 2,
    Podman = 3
};  // Podman: its own words

// Takes the bytes as they come, in pieces of any size, and hands them on at once: a frame of any length needs
// no memory.
class FrameReader {
 public:
    // `begins` is true for the first piece of a frame; an empty frame is one empty piece.
    using Take = std::function<void(StreamKind stream, std::string_view bytes, bool begins)>;

    explicit FrameReader(Take take) : take_(std::move(take)) {}

    // Corrupt where the bytes are no frames.
    [[nodiscard]] Result<void> feed(std::string_view bytes);

 private:
    [[nodiscard]] bool read_header();

    const Take take_;
    std::array<unsigned char, 8> header_{};
    std::size_t header_bytes_ = 0;
    std::size_t remaining_ = 0;
    bool begins_ = false;
    StreamKind stream_ = StreamKind::Output;
};

}  // namespace harmony::runtime::podman
