// Lines of one followed stream on their way to whoever follows.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harmony/contracts/commands.hpp"

namespace harmony::agent {

struct LogSource {
    std::string container;  // its name
    std::string service;

    bool operator==(const LogSource&) const = default;
};

// Bounded: where lines come faster than they are taken, the oldest go, and are counted. Not thread-safe.
class FollowBuffer {
 public:
    explicit FollowBuffer(std::size_t max_bytes) : max_bytes_(max_bytes) {}

    // `text` is a line as it is sent; `cut`: it is not the whole line.
    void push_line(const LogSource& source, std::string text, bool cut);
    // Events are few and never dropped by lines; of more than kMaxEvents the oldest go.
    void push_event(const LogSource& source, contracts::LogsEvent event);
    // Lines that were taken and could not be sent.
    void note_lost(const LogSource& source, std::int64_t lines) { lost_[number_of(source)] += lines; }

    [[nodiscard]] bool empty() const { return items_.empty() && lost_.empty(); }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

    // The next reply: what is first, of one source, about max_bytes of it. Without captured_at and sequence.
    [[nodiscard]] std::optional<contracts::LogsReply> take(std::size_t max_bytes);

    static constexpr std::size_t kMaxEvents = 256;
    // What a line costs beside its bytes.
    static constexpr std::size_t kItemBytes = 64;

 private:
    struct Item {
        std::size_t source;  // in sources_
        std::string text;
        bool cut = false;
        std::optional<contracts::LogsEvent> event;
    };

    [[nodiscard]] std::size_t number_of(const LogSource& source);
    void drop_oldest_line();

    const std::size_t max_bytes_;
    std::size_t bytes_ = 0;
    std::size_t events_ = 0;
    std::deque<Item> items_;
    std::vector<LogSource> sources_;  // every one there was: a line names it by its number
    std::map<std::size_t, std::int64_t> lost_;
};

}  // namespace harmony::agent
