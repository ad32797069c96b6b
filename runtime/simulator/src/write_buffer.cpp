#include "harmony/simulator/write_buffer.hpp"

namespace harmony::simulator {

std::string& WriteBuffer::tail() {
    if (blocks_.empty()) return blocks_.emplace_back();
    if (blocks_.back().size() < kBlockBytes) return blocks_.back();
    closed_bytes_ += blocks_.back().size();
    return blocks_.emplace_back();
}

std::string_view WriteBuffer::front() const {
    if (blocks_.empty()) return {};
    return std::string_view(blocks_.front()).substr(taken_);
}

void WriteBuffer::take(std::size_t bytes) {
    taken_ += bytes;
    if (taken_ < blocks_.front().size()) return;
    taken_ = 0;
    if (blocks_.size() > 1) {
        closed_bytes_ -= blocks_.front().size();
        blocks_.pop_front();
    } else if (blocks_.front().capacity() > kKeptBytes) {
        blocks_.clear();
    } else {
        blocks_.front().clear();
    }
}

std::size_t WriteBuffer::size() const {
    return blocks_.empty() ? 0 : closed_bytes_ + blocks_.back().size() - taken_;
}

void WriteBuffer::clear() {
    blocks_.clear();
    closed_bytes_ = taken_ = 0;
}

}  // namespace harmony::simulator
