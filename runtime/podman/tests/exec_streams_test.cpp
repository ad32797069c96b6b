#include <catch2/catch.hpp>

#include "libpod_exec.hpp"
#include "libpod_json.hpp"

namespace harmony::runtime::podman {
namespace {

std::string frame(char stream, const std::string& text) {
    return std::string{
               stream, 0, 0, 0, 0, 0, static_cast<char>(text.size() >> 8U), static_cast<char>(text.size())} +
           text;
}

}  // namespace

TEST_CASE("a command's streams are kept apart however the bytes are cut") {
    const std::string all =
        frame(1, "out") + frame(2, "err") + frame(1, "") + frame(1, "put") + frame(3, "!");
    for (std::size_t piece = 1; piece <= all.size(); ++piece) {
        ExecStreams streams(100);
        for (std::size_t at = 0; at < all.size(); at += piece)
            REQUIRE(streams.feed(std::string_view(all).substr(at, piece)));
        const ExecOutcome outcome = std::move(streams).take(5);
        CHECK(outcome.standard_output == "output");
        CHECK(outcome.standard_error == "err!");
        CHECK(outcome.exit_code == 5);
        CHECK_FALSE(outcome.truncated);
    }
}

TEST_CASE("each stream keeps its beginning") {
    ExecStreams streams(4);
    REQUIRE(streams.feed(frame(1, "1234") + frame(2, "12345")));
    const ExecOutcome outcome = std::move(streams).take(0);
    CHECK(outcome.standard_output == "1234");
    CHECK(outcome.standard_error == "1234");
    CHECK(outcome.truncated);
}

TEST_CASE("bytes that are no frames are refused") {
    ExecStreams streams(4);
    CHECK(streams.feed("Error: something").error().kind() == ErrorKind::Corrupt);
}

TEST_CASE("what podman says of a command is read with care") {
    CHECK(decode_exec_state(R"({"Running":true,"Pid":42})")->pid == 42);
    CHECK(decode_exec_state(R"({"Running":false,"ExitCode":137})")->exit_code == 137);
    for (const char* bad : {"", "[]", "{}", R"({"Running":"yes"})"})
        CHECK_FALSE(decode_exec_state(bad).has_value());
    CHECK(decode_container_pid(R"({"State":{"Pid":7}})") == 7);
    CHECK(decode_container_pid("nonsense") == 0);
}

}  // namespace harmony::runtime::podman
