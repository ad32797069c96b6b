#include "stream_frames.hpp"

#include <algorithm>

namespace harmony::runtime::podman {

bool FrameReader::read_header() {
    if (header_[0] > 3 || header_[1] != 0 || header_[2] != 0 || header_[3] != 0) return false;
    stream_ = static_cast<StreamKind>(header_[0]);
    remaining_ = 0;
    for (std::size_t i = 4; i < header_.size(); ++i)
        remaining_ = remaining_ << 8U | header_[i];
    header_bytes_ = 0;
    begins_ = true;
    if (remaining_ == 0) take_(stream_, {}, true);
    return true;
}

Result<void> FrameReader::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        if (remaining_ == 0) {
            header_[header_bytes_++] = static_cast<unsigned char>(bytes.front());
            bytes.remove_prefix(1);
            if (header_bytes_ == header_.size() && !read_header()) {
                return fail(ErrorKind::Corrupt, "podman: its stream can't be read");
            }
            continue;
        }
        const auto piece = bytes.substr(0, std::min(remaining_, bytes.size()));
        take_(stream_, piece, std::exchange(begins_, false));
        remaining_ -= piece.size();
        bytes.remove_prefix(piece.size());
    }
    return {};
}

}  // namespace harmony::runtime::podman
