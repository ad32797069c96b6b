// The frames of v4.channel.k8s.io, which exec and port-forward speak over a WebSocket: the first byte of each
// message is its channel. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "harmony/kubernetes/failure.hpp"

namespace harmony::runtime::kubernetes {

inline constexpr std::string_view kChannelProtocol = "v4.channel.k8s.io";
// Channels of exec. Port-forward has two for each port: data (even) and error (odd).
inline constexpr std::uint8_t kStdin = 0;
inline constexpr std::uint8_t kStdout = 1;
inline constexpr std::uint8_t kStderr = 2;
inline constexpr std::uint8_t kExecStatus = 3;

struct ChannelFrame {
    std::uint8_t channel = 0;
    std::string_view bytes;  // into the message
};

[[nodiscard]] std::string encode_channel_frame(std::uint8_t channel, std::string_view bytes);
// Malformed: an empty message.
[[nodiscard]] Answer<ChannelFrame> decode_channel_frame(std::string_view message);

// The exit code in the Status on channel 3: 0 for Success. Malformed: neither; Rejected: the command could
// not be started, with the server's reason.
[[nodiscard]] Answer<int> decode_exec_status(std::string_view text);

// The first frame on each channel of a forwarded port repeats the port, little-endian.
[[nodiscard]] std::optional<std::uint16_t> decode_port_frame(std::string_view bytes);

}  // namespace harmony::runtime::kubernetes
