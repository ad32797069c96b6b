#include "log_frames.hpp"

#include <catch2/catch.hpp>

namespace harmony::runtime::podman {
namespace {

std::string frame(char stream, const std::string& text) {
    std::string bytes{
        stream, 0, 0, 0, 0, 0, static_cast<char>(text.size() >> 8U), static_cast<char>(text.size())};
    return bytes + text;
}

}  // namespace

TEST_CASE("log frames become lines however the bytes are cut") {
    const std::string all = frame(1, "one\ntwo\npar") + frame(2, "err\n") + frame(1, "tial\nlast");
    for (std::size_t piece = 1; piece <= all.size(); ++piece) {
        LogCollector collector({});
        for (std::size_t at = 0; at < all.size(); at += piece) {
            REQUIRE(collector.feed(std::string_view(all).substr(at, piece)));
        }
        const LogTail tail = collector.finish();
        REQUIRE(tail.lines.size() == 5);
        CHECK(tail.lines[2].text == "err");
        CHECK(tail.lines[2].stream == "stderr");
        CHECK(tail.lines[3].text == "partial");
        CHECK(tail.lines[4].text == "last");
        CHECK_FALSE(tail.truncated);
    }
}

TEST_CASE("the newest lines stay within the limits") {
    LogCollector by_lines({.lines = 2});
    REQUIRE(by_lines.feed(frame(1, "a\nb\nc\n")));
    const LogTail two = by_lines.finish();
    REQUIRE(two.lines.size() == 2);
    CHECK(two.lines[0].text == "b");
    LogCollector by_bytes({.lines = 100, .since = 0, .max_bytes = 5});
    REQUIRE(by_bytes.feed(frame(1, "aaa\nbbb\ncc\n" + std::string(50, 'd') + "\n")));
    const LogTail cut = by_bytes.finish();
    CHECK(cut.truncated);
    REQUIRE(cut.lines.size() == 1);
    CHECK(cut.lines[0].text == "ddddd");
}

TEST_CASE("bytes that are no log frames are refused") {
    LogCollector collector({});
    CHECK(collector.feed("HTTP/1.1 200 OK").error().kind() == ErrorKind::Corrupt);
}

}  // namespace harmony::runtime::podman
