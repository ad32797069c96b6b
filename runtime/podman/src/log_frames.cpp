#include "log_frames.hpp"

#include <algorithm>
#include <ctime>
#include <utility>

namespace harmony::runtime::podman {
namespace {

constexpr std::size_t kMaxTimeBytes = 40;

const char* name_of(std::size_t stream) {
    return stream == 0 ? "stdout" : "stderr";
}

}  // namespace

std::optional<std::int64_t> log_second(std::string_view time) {
    const std::string text(time);
    tm calendar{};
    const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &calendar);
    if (rest == nullptr) return std::nullopt;
    while (*rest == '.' || (*rest >= '0' && *rest <= '9'))
        ++rest;
    std::int64_t seconds = timegm(&calendar);
    if (*rest == 'Z' && rest[1] == '\0') return seconds;
    int hours = 0;
    int minutes = 0;
    char end = 0;
    if ((*rest != '+' && *rest != '-') || std::sscanf(rest + 1, "%2d:%2d%c", &hours, &minutes, &end) != 2) {
        return std::nullopt;
    }
    const int offset = hours * 3600 + minutes * 60;
    return *rest == '+' ? seconds - offset : seconds + offset;
}

LogReader::LogReader(const LogPosition& from, std::size_t max_line_bytes, Take take)
    : from_(from),
      max_line_bytes_(max_line_bytes),
      take_(std::move(take)),
      frames_([this](StreamKind stream, std::string_view text, bool begins) {
          take_piece(stream, text, begins);
      }) {}

Result<void> LogReader::feed(std::string_view bytes) {
    if (auto read = frames_.feed(bytes); !read) return read;
    if (bad_time_) return fail(ErrorKind::Corrupt, "podman: a log entry without its time");
    return {};
}

void LogReader::begin_entry(std::int64_t second) {
    if (second == position_.second) {
        ++position_.entries;
    } else {
        position_ = {second, 1};
    }
    passing_over_ = second < from_.second || (second == from_.second && position_.entries <= from_.entries);
}

void LogReader::take_piece(StreamKind stream, std::string_view text, bool begins) {
    if (begins) {
        time_.clear();
        in_time_ = true;
    }
    if (in_time_) {
        const auto space = text.find(' ');
        time_.append(text.substr(0, std::min(space, kMaxTimeBytes)));
        if (space == std::string_view::npos) {
            bad_time_ = bad_time_ || time_.size() >= kMaxTimeBytes;
            return;
        }
        in_time_ = false;
        text.remove_prefix(space + 1);
        const auto second = log_second(time_);
        bad_time_ = bad_time_ || !second;
        begin_entry(second.value_or(0));
    }
    if (passing_over_ || bad_time_) return;
    const std::size_t index = stream == StreamKind::Error ? 1 : 0;
    while (!text.empty()) {
        const auto end = text.find('\n');
        append(index, text.substr(0, end));
        if (end == std::string_view::npos) return;
        end_line(index);
        text.remove_prefix(end + 1);
    }
}

void LogReader::append(std::size_t index, std::string_view text) {
    Partial& partial = partial_[index];
    partial.bytes += text.size();
    if (partial.text.size() < max_line_bytes_) {
        partial.text.append(text.substr(0, max_line_bytes_ - partial.text.size()));
    }
}

void LogReader::end_line(std::size_t index) {
    Partial ended = std::exchange(partial_[index], {});
    take_({name_of(index), std::move(ended.text), ended.bytes});
}

void LogReader::finish() {
    for (std::size_t i = 0; i < 2; ++i) {
        if (partial_[i].bytes > 0) end_line(i);
    }
}

LogCollector::LogCollector(const LogRequest& request)
    : request_(request),
      reader_({}, std::min(request.max_line_bytes, request.max_bytes),
              [this](LogLine line) { keep(std::move(line)); }) {}

void LogCollector::keep(LogLine line) {
    bytes_ += line.text.size();
    truncated_ = truncated_ || line.text.size() < line.bytes;
    lines_.push_back(std::move(line));
    const auto drop_first = [&] {
        bytes_ -= lines_.front().text.size();
        lines_.pop_front();
    };
    while (lines_.size() > request_.lines)
        drop_first();
    while (bytes_ > request_.max_bytes && !lines_.empty()) {
        drop_first();
        truncated_ = true;
    }
}

LogTail LogCollector::finish() {
    reader_.finish();
    LogTail tail;
    tail.lines.assign(std::move_iterator(lines_.begin()), std::move_iterator(lines_.end()));
    tail.truncated = truncated_;
    tail.position = reader_.position();
    return tail;
}

}  // namespace harmony::runtime::podman
