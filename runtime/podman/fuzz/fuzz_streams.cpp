// Podman's streams, of logs and of commands: whatever the bytes are and however they are cut, the same comes
// out, and no more of it is kept than was asked for.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "libpod_exec.hpp"
#include "libpod_json.hpp"
#include "log_frames.hpp"

using namespace harmony::runtime::podman;

namespace {

constexpr std::size_t kMaxBytes = 40;

struct Read {
    bool good = true;
    std::vector<std::string> texts;

    bool operator==(const Read&) const = default;
};

void expect(bool holds) {
    if (!holds) std::abort();
}

template <class Feed>
bool feed_in_pieces(std::string_view bytes, std::size_t piece, Feed feed) {
    while (!bytes.empty()) {
        const auto part = bytes.substr(0, piece);
        if (!feed(part)) return false;
        bytes.remove_prefix(part.size());
    }
    return true;
}

Read read_log(std::string_view bytes, std::size_t piece, const LogPosition& from) {
    Read read;
    LogReader reader(from, kMaxBytes, [&](const LogLine& line) {
        expect(line.text.size() <= kMaxBytes && line.text.size() <= line.bytes);
        read.texts.push_back(line.stream + line.text + std::to_string(line.bytes));
    });
    read.good =
        feed_in_pieces(bytes, piece, [&](std::string_view part) { return reader.feed(part).has_value(); });
    // What comes before the place where it went wrong depends on the pieces.
    if (!read.good) return {false, {}};
    reader.finish();
    return read;
}

Read read_exec(std::string_view bytes, std::size_t piece) {
    ExecStreams streams(kMaxBytes);
    if (!feed_in_pieces(bytes, piece,
                        [&](std::string_view part) { return streams.feed(part).has_value(); })) {
        return {false, {}};
    }
    const auto outcome = std::move(streams).take(0);
    expect(outcome.standard_output.size() <= kMaxBytes && outcome.standard_error.size() <= kMaxBytes);
    return {true, {outcome.standard_output, outcome.standard_error}};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const LogPosition middle{1'769'860'800, 1};
    for (const auto& from : {LogPosition{}, middle}) {
        const auto whole = read_log(bytes, std::max<std::size_t>(size, 1), from);
        expect(read_log(bytes, 1, from) == whole);
        expect(read_log(bytes, 7, from) == whole);
    }
    expect(read_exec(bytes, 3) == read_exec(bytes, std::max<std::size_t>(size, 1)));
    static_cast<void>(decode_exec_state(bytes));
    static_cast<void>(decode_container_pid(bytes));
    return 0;
}
