#include "harmony/simulator/write_buffer.hpp"

#include <catch2/catch.hpp>

using harmony::simulator::WriteBuffer;

namespace {

// Takes at most `step` bytes at a time, as a socket does.
std::string drain(WriteBuffer& buffer, std::size_t step) {
    std::string all;
    while (!buffer.front().empty()) {
        const auto next = buffer.front().substr(0, step);
        all += next;
        buffer.take(next.size());
    }
    return all;
}

}  // namespace

TEST_CASE("an empty write buffer has nothing to write") {
    WriteBuffer buffer;
    CHECK(buffer.front().empty());
    CHECK(buffer.size() == 0);
}

TEST_CASE("a write buffer gives back what was appended, in order and across its blocks") {
    WriteBuffer buffer;
    std::string expected;
    for (int i = 0; expected.size() < 3 * WriteBuffer::kBlockBytes; ++i) {
        const std::string message = "PUB subject-" + std::to_string(i) + " 0\r\n\r\n";
        buffer.tail() += message;
        expected += message;
    }
    CHECK(buffer.size() == expected.size());
    CHECK(drain(buffer, 1'000) == expected);
    CHECK(buffer.size() == 0);
}

TEST_CASE("a write buffer takes more while it is written") {
    WriteBuffer buffer;
    std::string expected, written;
    for (int i = 0; i < 1'000; ++i) {
        const std::string message(200 + static_cast<std::size_t>(i), static_cast<char>('a' + i % 26));
        buffer.tail() += message;
        expected += message;
        const auto next = buffer.front().substr(0, 150);
        written += next;
        buffer.take(next.size());
        CHECK(buffer.size() == expected.size() - written.size());
    }
    CHECK(written + drain(buffer, 4'096) == expected);
}

TEST_CASE("a written burst leaves no large block behind") {
    WriteBuffer buffer;
    buffer.tail().assign(8 * WriteBuffer::kBlockBytes, 'x');
    (void)drain(buffer, 10'000);
    CHECK(buffer.tail().capacity() < 1'000);
}

TEST_CASE("a cleared write buffer starts anew") {
    WriteBuffer buffer;
    buffer.tail().assign(2 * WriteBuffer::kBlockBytes, 'x');
    buffer.tail() += "y";
    buffer.take(10);
    buffer.clear();
    buffer.tail() += "z";
    CHECK(buffer.size() == 1);
    CHECK(buffer.front() == "z");
}
