#include "log_frames.hpp"

#include <catch2/catch.hpp>

namespace harmony::runtime::podman {
namespace {

std::string frame(char stream, const std::string& text, int second = 0) {
    char time[32];
    std::snprintf(time, sizeof time, "2026-01-31T12:00:%02dZ ", second);
    const std::string entry = time + text;
    std::string bytes{stream, 0, 0, 0};
    for (const unsigned shift : {24U, 16U, 8U, 0U})
        bytes += static_cast<char>(entry.size() >> shift);
    return bytes + entry;
}
constexpr std::int64_t kNoon = 1'769'860'800;  // 2026-01-31T12:00:00Z

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

TEST_CASE("a line of any length keeps its beginning and tells its length") {
    std::vector<LogLine> lines;
    LogReader reader({}, 10, [&](LogLine line) { lines.push_back(std::move(line)); });
    const std::string piece(1024 * 1024, 'x');
    for (int i = 0; i < 10; ++i)
        REQUIRE(reader.feed(frame(1, piece)));
    REQUIRE(reader.feed(frame(1, "\nnext\n")));
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].text == "xxxxxxxxxx");
    CHECK(lines[0].bytes == 10 * 1024 * 1024);
    CHECK(lines[1].text == "next");
    LogCollector collector({});
    REQUIRE(collector.feed(frame(1, piece + "\n")));
    CHECK(collector.finish().truncated);
}

TEST_CASE("a reader takes up a log where another one stood") {
    const std::string log = frame(1, "a\n", 1) + frame(2, "b\n", 1) + frame(1, "c\n", 2) +
                            frame(1, "d\n", 2) + frame(1, "e\n", 3);
    LogCollector all({});
    REQUIRE(all.feed(log));
    CHECK(all.finish().position == LogPosition{kNoon + 3, 1});
    const std::pair<LogPosition, std::string> cases[] = {{{}, "abcde"},
                                                         {{kNoon + 1, 1}, "bcde"},
                                                         {{kNoon + 1, 2}, "cde"},
                                                         {{kNoon + 2, 1}, "de"},
                                                         {{kNoon + 3, 1}, ""}};
    for (const auto& [from, expected] : cases) {
        std::string text;
        LogReader reader(from, 100, [&](const LogLine& line) { text += line.text; });
        REQUIRE(reader.feed(log));
        CHECK(text == expected);
    }
}

TEST_CASE("an entry's time is read with fraction and offset, and nothing else is one") {
    CHECK(log_second("2026-01-31T12:00:00Z") == kNoon);
    CHECK(log_second("2026-01-31T13:30:00.123456789+01:30") == kNoon);
    for (const char* bad : {"", "2026-01-31", "2026-01-31T12:00:00", "2026-01-31T12:00:00Zx", "now"})
        CHECK_FALSE(log_second(bad).has_value());
    LogReader reader({}, 100, [](const LogLine&) {});
    CHECK_FALSE(reader.feed(std::string("\1\0\0\0\0\0\0\7no time", 15)).has_value());
    CHECK_FALSE(reader.feed(std::string("\1\0\0\0\0\0\0\4x y\n", 12)).has_value());
}

TEST_CASE("bytes that are no log frames are refused") {
    LogCollector collector({});
    CHECK(collector.feed("HTTP/1.1 200 OK").error().kind() == ErrorKind::Corrupt);
}

}  // namespace harmony::runtime::podman
