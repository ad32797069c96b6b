#include "frame.hpp"

#include <stdexcept>

namespace harmony::host {
namespace {

constexpr std::size_t kHeader = 4;

}  // namespace

std::string encode_frame(std::string_view body) {
    if (body.size() > kMaxFrameBytes) throw std::length_error("a frame longer than the protocol allows");
    std::string frame;
    frame.reserve(kHeader + body.size());
    for (unsigned shift = 0; shift < 32; shift += 8)
        frame += static_cast<char>((body.size() >> shift) & 0xFF);
    frame += body;
    return frame;
}

void FrameDecoder::feed(std::string_view bytes) {
    if (too_large_) return;
    if (consumed_ == buffer_.size()) {
        buffer_.clear();
        consumed_ = 0;
    }
    buffer_ += bytes;
}

std::optional<std::string> FrameDecoder::next() {
    if (too_large_ || pending() < kHeader) return std::nullopt;
    std::size_t length = 0;
    for (unsigned i = 0; i < kHeader; ++i) {
        length |= static_cast<std::size_t>(static_cast<unsigned char>(buffer_[consumed_ + i])) << (8 * i);
    }
    if (length > kMaxFrameBytes) {
        too_large_ = true;
        buffer_.clear();
        consumed_ = 0;
        return std::nullopt;
    }
    if (pending() < kHeader + length) return std::nullopt;
    std::string body = buffer_.substr(consumed_ + kHeader, length);
    consumed_ += kHeader + length;
    return body;
}

}  // namespace harmony::host
