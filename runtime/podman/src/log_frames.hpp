// Lines out of podman's log stream.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "harmony/podman/container_runtime.hpp"
#include "stream_frames.hpp"

namespace harmony::runtime::podman {

// Takes the bytes as they come, in pieces of any size, each entry led by its time ("2026-01-31T12:00:00Z "),
// and hands on whole lines. Keeps max_line_bytes of a line, whatever its length.
class LogReader {
 public:
    using Take = std::function<void(LogLine line)>;

    // Entries up to `from` are passed over.
    LogReader(const LogPosition& from, std::size_t max_line_bytes, Take take);
    LogReader(const LogReader&) = delete;
    LogReader& operator=(const LogReader&) = delete;

    // Corrupt where the bytes are no frames, or an entry has no time.
    [[nodiscard]] Result<void> feed(std::string_view bytes);
    // Hands on what is there of unfinished lines.
    void finish();
    [[nodiscard]] const LogPosition& position() const { return position_; }

 private:
    struct Partial {
        std::string text;
        std::size_t bytes = 0;
    };

    void take_piece(StreamKind stream, std::string_view text, bool begins);
    void begin_entry(std::int64_t second);
    void append(std::size_t index, std::string_view text);
    void end_line(std::size_t index);

    const LogPosition from_;
    const std::size_t max_line_bytes_;
    const Take take_;
    FrameReader frames_;
    LogPosition position_;
    std::string time_;  // of the entry that begins, as far as it has come
    bool in_time_ = false;
    bool passing_over_ = false;
    bool bad_time_ = false;
    Partial partial_[2];  // stdout, stderr
};

// Keeps the last lines within the request's limits.
class LogCollector {
 public:
    explicit LogCollector(const LogRequest& request);
    LogCollector(const LogCollector&) = delete;
    LogCollector& operator=(const LogCollector&) = delete;

    // Corrupt where the bytes are no log.
    [[nodiscard]] Result<void> feed(std::string_view bytes) { return reader_.feed(bytes); }
    // Everything so far; an unfinished last line counts.
    [[nodiscard]] LogTail finish();

 private:
    void keep(LogLine line);

    const LogRequest request_;
    LogReader reader_;
    std::deque<LogLine> lines_;
    std::size_t bytes_ = 0;
    bool truncated_ = false;
};

// Of an entry's time, seconds since 1970; nothing where it is none.
[[nodiscard]] std::optional<std::int64_t> log_second(std::string_view time);

}  // namespace harmony::runtime::podman
