#include "log_frames.hpp"

#include <utility>

namespace harmony::runtime::podman {
namespace {

constexpr std::size_t kHeaderBytes = 8;
constexpr std::size_t kMaxFrameBytes = 1024 * 1024;

const char* name_of(std::size_t stream) {
    return stream == 0 ? "stdout" : "stderr";
}

}  // namespace

Result<void> LogCollector::feed(std::string_view bytes) {
    buffer_.append(bytes);
    std::size_t at = 0;
    while (buffer_.size() - at >= kHeaderBytes) {
        const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(buffer_[at + i]); };
        const std::size_t length = (std::size_t{byte(4)} << 24U) | (std::size_t{byte(5)} << 16U) |
                                   (std::size_t{byte(6)} << 8U) | byte(7);
        if (byte(0) > 2 || byte(1) != 0 || byte(2) != 0 || byte(3) != 0 || length > kMaxFrameBytes) {
            return fail(ErrorKind::Corrupt, "podman: its log stream can't be read");
        }
        if (buffer_.size() - at - kHeaderBytes < length) break;
        take_frame(byte(0), std::string_view(buffer_).substr(at + kHeaderBytes, length));
        at += kHeaderBytes + length;
    }
    buffer_.erase(0, at);
    return {};
}

void LogCollector::take_frame(unsigned char stream, std::string_view text) {
    const std::size_t index = stream == 2 ? 1 : 0;
    std::string& partial = partial_[index];
    while (!text.empty()) {
        const auto end = text.find('\n');
        partial.append(text.substr(0, end));
        if (partial.size() > request_.max_bytes) {
            partial.resize(request_.max_bytes);
            truncated_ = true;
        }
        if (end == std::string_view::npos) return;
        keep(name_of(index), std::exchange(partial, {}));
        text.remove_prefix(end + 1);
    }
}

void LogCollector::keep(std::string stream, std::string text) {
    bytes_ += text.size();
    lines_.push_back({std::move(stream), std::move(text)});
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
    for (std::size_t i = 0; i < 2; ++i) {
        if (!partial_[i].empty()) keep(name_of(i), std::exchange(partial_[i], {}));
    }
    return {.lines = {lines_.begin(), lines_.end()}, .truncated = truncated_};
}

}  // namespace harmony::runtime::podman
