#include "harmony/daemon/logging.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <regex>
#include <thread>
#include <vector>

#include "harmony/daemon/files.hpp"
#include "temporary_directory.hpp"

namespace harmony::runtime::daemon {
namespace {

// Catches what is logged meanwhile.
template <class Body>
std::string logged(Body body) {
    const testing::TemporaryDirectory directory;
    const std::string path = directory / "log";
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0);
    log_to_descriptor(fd);
    body();
    log_to_descriptor(STDERR_FILENO);
    close(fd);
    return *read_file(path);
}

constexpr Logger kLog("tester");

}  // namespace

TEST_CASE("a line is one JSON object with its fields") {
    REQUIRE(start_logging("info"));
    const std::string line = logged([] {
        kLog.info(
            "hello \"you\"\n\x01 \xc3\xa9 \xff",
            {{"text", "a\\b"}, {"count", 5}, {"ratio", 0.5}, {"ok", true}, {"big", std::uint64_t{1} << 40U}});
    });
    const std::regex shape(R"(\{"ts":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",)"
                           R"("level":"info","component":"tester","msg":"hello \\"you\\"\\u000a\\u0001 )"
                           "\xc3\xa9 \xef\xbf\xbd\","
                           R"("text":"a\\\\b","count":5,"ratio":0.5,"ok":true,"big":1099511627776\}\n)");
    INFO(line);
    CHECK(std::regex_match(line, shape));
}

TEST_CASE("levels below the chosen one are left out and unknown ones are refused") {
    REQUIRE(start_logging("warning"));
    CHECK(logged([] {
              kLog.debug("no");
              kLog.info("no");
          }).empty());
    CHECK_FALSE(logged([] { kLog.warning("yes"); }).empty());
    CHECK_FALSE(log_enabled(LogLevel::Info));
    REQUIRE(start_logging("debug"));
    CHECK_FALSE(logged([] { kLog.debug("yes"); }).empty());
    const auto unknown = start_logging("verbose");
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().kind() == ErrorKind::InvalidInput);
    CHECK(unknown.error().text().find("verbose") != std::string::npos);
    REQUIRE(start_logging("info"));
}

TEST_CASE("lines of several threads stay whole") {
    REQUIRE(start_logging("info"));
    const std::string all = logged([] {
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([] {
                for (int i = 0; i < 200; ++i)
                    kLog.info(std::string(500, 'x'));
            });
        }
        for (std::thread& thread : threads)
            thread.join();
    });
    std::size_t lines = 0;
    for (std::size_t at = 0; at < all.size(); ++lines) {
        const auto end = all.find('\n', at);
        REQUIRE(end != std::string::npos);
        CHECK(all.compare(at, 7, R"({"ts":")") == 0);
        CHECK(all.compare(end - 2, 2, "\"}") == 0);
        at = end + 1;
    }
    CHECK(lines == 800);
}

}  // namespace harmony::runtime::daemon
