// What travels over NATS: one message and its headers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace harmony::runtime::nats {

struct Header {
    std::string name;
    std::string value;

    bool operator==(const Header&) const = default;
};

struct Message {
    std::string subject;
    std::string payload = {};
    std::string reply = {};  // empty: nobody waits for an answer
    std::vector<Header> headers = {};

    // The first value of a header; names compare byte for byte, as the server sends them.
    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const {
        for (const Header& candidate : headers) {
            if (candidate.name == name) return candidate.value;
        }
        return std::nullopt;
    }

    // The server's own status of a message it made itself: 404 no such message, 503 no responders,
    // 100 heartbeat or flow control. 0 for ordinary messages.
    [[nodiscard]] int status() const;
};

// True where a subject without wildcards is matched by a filter with `*` and `>`.
[[nodiscard]] bool subject_matches(std::string_view filter, std::string_view subject);

}  // namespace harmony::runtime::nats
