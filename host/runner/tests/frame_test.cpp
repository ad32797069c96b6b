#include "frame.hpp"
#include "line_splitter.hpp"
#include "message.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace harmony::host;

TEST_CASE("frames come out as they went in, however the stream is cut") {
    const std::string stream = encode_frame("{}") + encode_frame(std::string(70000, 'a')) + encode_frame("");
    for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{4096}, stream.size()}) {
        FrameDecoder decoder;
        std::vector<std::string> frames;
        for (std::size_t at = 0; at < stream.size(); at += piece) {
            decoder.feed(std::string_view(stream).substr(at, piece));
            while (auto frame = decoder.next())
                frames.push_back(std::move(*frame));
        }
        REQUIRE(frames.size() == 3);
        CHECK(frames[0] == "{}");
        CHECK(frames[1].size() == 70000);
        CHECK(frames[2].empty());
        CHECK(decoder.pending() == 0);
    }
}

TEST_CASE("a frame that announces too much ends the stream before its bytes arrive") {
    FrameDecoder decoder;
    decoder.feed(std::string_view("\x01\x00\x01\x01", 4));  // 16 MiB + 64 KiB + 1
    CHECK_FALSE(decoder.next());
    CHECK(decoder.too_large());
    decoder.feed(encode_frame("{}"));
    CHECK_FALSE(decoder.next());
    CHECK_THROWS_AS(encode_frame(std::string(kMaxFrameBytes + 1, ' ')), std::length_error);
}

TEST_CASE("JSON that is nested too deep or not an object is no frame") {
    CHECK(to_frame(R"({"a":{}})"));
    CHECK_FALSE(to_frame("[]"));
    CHECK_FALSE(to_frame("{\"a\":" + std::string(100000, '[')));
    CHECK_FALSE(to_frame("{\"a\":\"\xff\"}"));
}

TEST_CASE("output is split into printable lines of bounded length") {
    LineSplitter splitter;
    std::vector<std::string> lines;
    const auto emit = [&](std::string_view line) { lines.emplace_back(line); };
    splitter.feed("one\ntw", emit);
    splitter.feed("o\x1b[31m\n", emit);
    splitter.feed(std::string(LineSplitter::kMaxLine + 5, 'x'), emit);
    splitter.finish(emit);
    REQUIRE(lines.size() == 4);
    CHECK(lines[1] == "two?[31m");
    CHECK(lines[3] == "xxxxx");
}

TEST_CASE("a diagnostic survives the wire, and what a plugin left out is filled in") {
    auto problem = diagnostic("a.b", "S", "H");
    problem.detail = "one\ntwo";
    problem.retryable = true;
    const auto back = diagnostic_from(to_json(problem), 5);
    CHECK(back.code == "a.b");
    CHECK(back.detail == "one\ntwo");
    CHECK(back.retryable);
    CHECK(diagnostic_from_text("nonsense", 4).code == "plugin.unexplained");
    CHECK_FALSE(diagnostic_from_text("nonsense", 4).summary.empty());
}
