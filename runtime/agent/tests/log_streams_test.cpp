#include "harmony/agent/log_streams.hpp"

#include "command_bench.hpp"

namespace harmony::agent {
namespace {

using contracts::LogsEnd;
using contracts::LogsEvent;
using contracts::LogsReply;
using contracts::RemoteErrorKind;
using testing::eventually_holds;
using namespace std::chrono_literals;

struct Bench : testing::CommandBench {
    bool runtime_enabled = true;
    std::unique_ptr<LogStreams> streams;

    void start() {
        streams = std::make_unique<LogStreams>(LogOptions{device, runtime_enabled}, *connection, runtimes,
                                               clock, metrics);
    }
    Result<void> ask(const std::string& payload, const std::string& id = "id-1",
                     const std::string& reply = "reply.1") {
        if (!streams) start();
        return streams->begin(call(payload, id, reply));
    }
    [[nodiscard]] std::vector<LogsReply> replies(const std::string& subject = "reply.1") const {
        std::vector<LogsReply> result;
        for (const auto& payload : answers(subject)) {
            auto reply = LogsReply::decode(payload);
            INFO(payload);
            REQUIRE(reply);
            result.push_back(*std::move(reply));
        }
        return result;
    }
    [[nodiscard]] std::string lines(const std::string& subject = "reply.1") const {
        std::string text;
        for (const auto& reply : replies(subject)) {
            for (const auto& line : reply.lines)
                text += line + "|";
        }
        return text;
    }
    // Waits for the last reply; its reason.
    LogsEnd end(const std::string& subject = "reply.1") {
        eventually_holds([&] {
            const auto all = replies(subject);
            return !all.empty() && all.back().end.has_value();
        });
        return *replies(subject).back().end;
    }
    // The sender wakes every 100 ms of real time; the clock is the test's.
    void until_line(const std::string& line) {
        eventually_holds([&] { return lines().find(line + "|") != std::string::npos; });
    }
    [[nodiscard]] bool has(LogsEvent event) const {
        for (const auto& reply : replies()) {
            if (reply.event == event) return true;
        }
        return false;
    }
};

constexpr const char* kFollow = R"({"deployment":"web","follow":true})";

}  // namespace

TEST_CASE("last lines come for each service, with their number, and an end") {
    Bench bench;
    bench.runtime->set_logs(bench.run_service("web", "app"), {{"stdout", "a1"}, {"stderr", "a2"}});
    bench.runtime->set_logs(bench.run_service("web", "db"), {{"stdout", "d1"}});
    bench.runtime->set_logs(bench.run_service("other", "x"), {{"stdout", "no"}});
    REQUIRE(bench.ask(R"({"deployment":"web"})"));
    CHECK(bench.end() == LogsEnd::Complete);
    const auto replies = bench.replies();
    REQUIRE(replies.size() == 3);
    CHECK(replies[0].source == "hf.dev.web.app");
    CHECK(replies[0].service == "app");
    CHECK(replies[1].service == "db");
    CHECK(replies[2].source == "web");
    for (std::size_t i = 0; i < replies.size(); ++i)
        CHECK(replies[i].sequence == static_cast<std::int64_t>(i));
    CHECK(bench.lines() == "a1|a2|d1|");
}

TEST_CASE("last lines are limited by number, time and service") {
    Bench bench;
    const auto name = bench.run_service("web", "app");
    bench.run_service("web", "db");
    bench.runtime->set_time(1'700'000'000);
    bench.runtime->append_log(name, {"stdout", "old"});
    bench.runtime->set_time(1'700'000'100);
    bench.runtime->append_log(name, {"stdout", "one"});
    bench.runtime->append_log(name, {"stdout", "two"});
    const auto [payload, expected] = GENERATE(table<const char*, const char*>({
        {R"({"deployment":"web","service":"app","lines":1})", "two|"},
        {R"({"deployment":"web","service":"app","since":"2023-11-14T22:13:50Z"})", "one|two|"},
        {R"({"deployment":"web","service":"db"})", ""},
    }));
    REQUIRE(bench.ask(payload));
    CHECK(bench.end() == LogsEnd::Complete);
    CHECK(bench.lines() == expected);
}

TEST_CASE("a long tail comes in pieces, a long line is cut and says so") {
    Bench bench;
    const auto name = bench.run_service("web", "app");
    for (int i = 0; i < 3'000; ++i)
        bench.runtime->append_log(name, {"stdout", std::to_string(i) + std::string(300, 'x')});
    bench.runtime->append_log(name, {"stdout", std::string(100'000, 'y') + "\xff"});
    REQUIRE(bench.ask(R"({"deployment":"web","lines":10000})"));
    CHECK(bench.end() == LogsEnd::Complete);
    const auto replies = bench.replies();
    CHECK(replies.size() > 3);
    std::size_t lines = 0;
    for (const auto& reply : replies)
        lines += reply.lines.size();
    CHECK(lines == 3'001);
    const auto& last = replies[replies.size() - 2];
    CHECK_THAT(last.lines.back(), Catch::EndsWith("[cut, 100001 bytes]"));
    CHECK(last.truncated);
}

TEST_CASE("logs that cannot be had are refused by kind") {
    Bench bench;
    bench.run_service("web", "app");
    SECTION("no such deployment") {
        REQUIRE(bench.ask(R"({"deployment":"wbe"})"));
        eventually_holds([&] { return bench.answers().size() == 1; });
        const auto error = contracts::RemoteError::decode(bench.answers()[0]).value();
        CHECK(error.kind == RemoteErrorKind::NotFound);
        CHECK_THAT(error.message, Catch::Contains("there are: web"));
    }
    SECTION("no runtime now") {
        bench.runtime->set_available(false);
        REQUIRE(bench.ask(R"({"deployment":"web"})"));
        eventually_holds([&] { return bench.answers().size() == 1; });
        CHECK(contracts::RemoteError::decode(bench.answers()[0])->kind ==
              RemoteErrorKind::RuntimeUnavailable);
    }
    SECTION("no runtime ever") {
        bench.runtime_enabled = false;
        const auto refused = bench.ask(R"({"deployment":"web"})");
        CHECK(refused.error().kind() == ErrorKind::Unavailable);
        CHECK_THAT(refused.error().text(), Catch::Contains("runtime_enabled"));
    }
    SECTION("nonsense, and a stream nobody could renew") {
        CHECK(bench.ask("nonsense").error().kind() == ErrorKind::InvalidInput);
        CHECK(bench.ask(kFollow, "").error().kind() == ErrorKind::InvalidInput);
        CHECK(bench.ask(R"({"deployment":"web","follow":true,"lease":"Renew"})").error().kind() ==
              ErrorKind::NotFound);
    }
}

TEST_CASE("lines are followed after the last ones, without a gap or a repetition") {
    Bench bench;
    const auto name = bench.run_service("web", "app");
    bench.runtime->set_logs(name, {{"stdout", "one"}, {"stdout", "two"}});
    REQUIRE(bench.ask(R"({"deployment":"web","follow":true,"lines":1})"));
    bench.until_line("two");
    bench.runtime->append_log(name, {"stdout", "three"});
    bench.until_line("three");
    CHECK(bench.lines() == "two|three|");
    REQUIRE(bench.ask(R"({"deployment":"web","follow":true,"lease":"End"})"));
    CHECK(bench.end() == LogsEnd::Stopped);
    eventually_holds([&] { return bench.streams->followed() == 0; });
}

TEST_CASE("a stream goes on where its container is restarted, replaced, or podman comes back") {
    Bench bench;
    const auto name = bench.run_service("web", "app");
    bench.runtime->append_log(name, {"stdout", "before"});
    REQUIRE(bench.ask(kFollow));
    bench.until_line("before");
    SECTION("restarted") {
        bench.runtime->exit_container(name, 1);
        eventually_holds([&] { return bench.has(LogsEvent::Ended); });
        REQUIRE(bench.runtime->start(name));
        bench.runtime->append_log(name, {"stdout", "after"});
    }
    SECTION("replaced") {
        REQUIRE(bench.runtime->remove(name));
        eventually_holds([&] { return bench.has(LogsEvent::Ended); });
        bench.runtime->append_log(bench.run_service("web", "app", "-2"), {"stdout", "after"});
    }
    SECTION("interrupted") {
        bench.runtime->append_log(name, {"stdout", "also before"});
        bench.until_line("also before");
        bench.runtime->break_streams();
        eventually_holds([&] { return bench.has(LogsEvent::Interrupted); });
        bench.runtime->append_log(name, {"stdout", "after"});
    }
    bench.until_line("after");
    CHECK(bench.has(LogsEvent::Resumed));
    const auto lines = bench.lines();
    CHECK(lines.find("before|") ==
          lines.rfind("before|") - (lines.find("also") != std::string::npos ? 12 : 0));
    CHECK(bench.streams->stop(5s));
    CHECK(bench.replies().back().end == LogsEnd::AgentStopping);
}

TEST_CASE("a stream ends when nobody renews it, and goes on when somebody does") {
    Bench bench;
    bench.runtime->append_log(bench.run_service("web", "app"), {"stdout", "one"});
    REQUIRE(bench.ask(kFollow));
    bench.until_line("one");
    for (int i = 0; i < 6; ++i) {
        bench.clock.advance(contracts::kFollowRenewInterval);
        REQUIRE(bench.ask(R"({"deployment":"web","follow":true,"lease":"Renew"})", "id-1", "reply.2"));
    }
    bench.runtime->append_log("hf.dev.web.app", {"stdout", "two"});
    eventually_holds([&] { return bench.lines("reply.2") == "two|"; });
    bench.clock.advance(contracts::kFollowLease);
    CHECK(bench.end("reply.2") == LogsEnd::LeaseExpired);
    eventually_holds([&] { return bench.streams->followed() == 0; });
}

TEST_CASE("after a reconnect nothing is sent before the next renewal, and nothing is lost meanwhile") {
    Bench bench;
    const auto name = bench.run_service("web", "app");
    bench.runtime->append_log(name, {"stdout", "one"});
    REQUIRE(bench.ask(kFollow));
    bench.until_line("one");
    bench.streams->connection_changed();
    bench.runtime->append_log(name, {"stdout", "two"});
    std::this_thread::sleep_for(3 * kFollowGather);
    CHECK(bench.lines() == "one|");
    REQUIRE(bench.ask(R"({"deployment":"web","follow":true,"lease":"Renew"})"));
    bench.until_line("two");
    CHECK(bench.replies().back().lost_lines == 0);
}

TEST_CASE("a stream whose connection changes before its last lines are out is begun anew") {
    Bench bench;
    bench.runtime->append_log(bench.run_service("web", "app"), {"stdout", "one"});
    bench.runtimes = [&] {
        bench.streams->connection_changed();
        return bench.runtime;
    };
    REQUIRE(bench.ask(kFollow));
    eventually_holds([&] { return bench.streams->followed() == 0; });
    CHECK(bench.lines().empty());
    const auto renewed = bench.ask(R"({"deployment":"web","follow":true,"lease":"Renew"})");
    REQUIRE_FALSE(renewed);
    CHECK(renewed.error().kind() == ErrorKind::NotFound);
}

TEST_CASE(
    "lines that come while the broker is away are kept up to the buffer's size, and the rest is counted") {
    Bench bench;
    const auto name = bench.run_service("web", "app");
    bench.runtime->append_log(name, {"stdout", "one"});
    REQUIRE(bench.ask(kFollow));
    bench.until_line("one");
    bench.server->stop();
    for (int i = 0; i < 3'000; ++i)
        bench.runtime->append_log(name, {"stdout", std::string(1'000, 'x')});
    bench.runtime->append_log(name, {"stdout", "last"});
    eventually_holds([&] { return bench.runtime->lines_followed() >= 3'001; });
    bench.server->restart();
    bench.until_line("last");
    std::int64_t lines = 0;
    std::int64_t lost = 0;
    for (const auto& reply : bench.replies()) {
        lines += static_cast<std::int64_t>(reply.lines.size());
        lost += reply.lost_lines;
    }
    CHECK(lost > 1'000);
    CHECK(lines + lost == 3'002);
}

TEST_CASE("a device follows a limited number of streams and says which limit was met") {
    Bench bench;
    bench.run_service("web", "app");
    for (std::size_t i = 0; i < contracts::kMaxFollows; ++i) {
        const auto id = "id-" + std::to_string(i);
        REQUIRE(bench.ask(kFollow, id, "reply." + id));
        eventually_holds([&] { return !bench.answers("reply." + id).empty(); });
    }
    const auto refused = bench.ask(kFollow, "one-more");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind() == ErrorKind::PermissionDenied);
    CHECK_THAT(refused.error().text(), Catch::Contains("8 streams"));
    CHECK(bench.streams->stop(5s));
}

TEST_CASE("streams that begin together share the containers that a device lets be followed") {
    Bench bench;
    constexpr int kStreams = 3;
    static_assert(kStreams <= kMaxTails);
    for (std::size_t i = 0; i <= contracts::kMaxLogSources / kStreams; ++i)
        bench.runtime->set_logs(bench.run_service("web", "s" + std::to_string(i)), {{"stdout", "line"}});
    const auto ask = [&](int stream) {
        const auto id = "id-" + std::to_string(stream);
        REQUIRE(bench.ask(kFollow, id, "reply." + id));
    };
    const auto answered = [&](int stream, const std::string& what) {
        const auto all = bench.answers("reply.id-" + std::to_string(stream));
        return std::any_of(all.begin(), all.end(),
                           [&](const auto& reply) { return reply.find(what) != std::string::npos; });
    };
    for (int stream = 0; stream < kStreams; ++stream)
        ask(stream);
    int refused = 0;
    for (int stream = 0; stream < kStreams; ++stream) {
        eventually_holds([&] { return answered(stream, "line") || answered(stream, "be followed at once"); });
        refused += answered(stream, "be followed at once") ? 1 : 0;
    }
    CHECK(refused == 1);

    for (int stream = 0; stream < kStreams; ++stream)
        (void)bench.ask(R"({"deployment":"web","follow":true,"lease":"End"})",
                        "id-" + std::to_string(stream));
    int last = kStreams;
    eventually_holds([&] {
        ask(++last);
        eventually_holds([&] { return answered(last, "line") || answered(last, "be followed at once"); });
        return answered(last, "line");
    });
    CHECK(bench.streams->stop(5s));
}

}  // namespace harmony::agent
