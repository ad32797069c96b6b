#include "line_splitter.hpp"

#include <harmony/host/json_text.hpp>

namespace harmony::host {

void LineSplitter::feed(std::string_view bytes, const Emit& emit) {
    for (const char c : bytes) {
        if (c == '\n') {
            emit(printable(line_, kMaxLine));
            line_.clear();
            continue;
        }
        line_ += c;
        if (line_.size() >= kMaxLine) finish(emit);
    }
}

void LineSplitter::finish(const Emit& emit) {
    if (line_.empty()) return;
    emit(printable(line_, kMaxLine));
    line_.clear();
}

}  // namespace harmony::host
