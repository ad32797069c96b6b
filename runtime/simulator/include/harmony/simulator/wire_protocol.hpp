// The NATS client protocol, as far as a simulated device needs it, without a socket.
//
// One connection here carries hundreds of thousands of subscriptions, of which a client library keeps some
// hundred bytes each; this keeps nothing, because the server repeats a subscription's number with each
// message.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "harmony/result.hpp"

namespace harmony::simulator {

// Valid during the handler's call only.
struct WireMessage {
    std::string_view subject;
    std::uint64_t subscription = 0;
    std::string_view reply;
    std::string_view headers;  // as they came, with the first line; empty: none
    std::string_view payload;

    // The first header of that name, names compared byte for byte.
    [[nodiscard]] std::string_view header(std::string_view name) const;
    // 404, 503, ... of a message that the server made itself; 0 for others.
    [[nodiscard]] int status() const;
};

struct WireHandlers {
    std::function<void(std::string_view json)> on_info;
    std::function<void(const WireMessage&)> on_message;
    std::function<void()> on_ping;
    std::function<void()> on_pong;
    std::function<void(std::string_view text)> on_error;
};

// Puts messages together from whatever pieces arrive.
class WireParser {
 public:
    static constexpr std::size_t kMaxLineBytes = 64 * 1024;
    static constexpr std::size_t kMaxMessageBytes = 8 * 1024 * 1024;

    // Corrupt where the bytes break the protocol; the connection is then of no further use.
    [[nodiscard]] Result<void> feed(std::string_view bytes, const WireHandlers& handlers);
    void reset();

 private:
    // How many bytes were used; 0: more are needed.
    [[nodiscard]] Result<std::size_t> take(std::string_view rest, const WireHandlers& handlers);
    [[nodiscard]] Result<std::size_t> take_message(std::string_view line, std::string_view rest,
                                                   bool with_headers, const WireHandlers& handlers);

    std::string buffer_;
};

void append_connect(std::string& out, const std::string& user, const std::string& password,
                    const std::string& name);
void append_subscribe(std::string& out, std::string_view subject, std::uint64_t subscription);
void append_unsubscribe(std::string& out, std::uint64_t subscription);
void append_publish(std::string& out, std::string_view subject, std::string_view reply,
                    std::string_view payload);
// With one header.
void append_publish(std::string& out, std::string_view subject, std::string_view reply,
                    std::string_view header, std::string_view value, std::string_view payload);

}  // namespace harmony::simulator
