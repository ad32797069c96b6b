#include <catch2/catch.hpp>

#include "harmony/agent/follow_buffer.hpp"
#include "harmony/agent/stream_lease.hpp"

namespace harmony::agent {
namespace {

using contracts::LogsEvent;
using namespace std::chrono_literals;

const LogSource kApp{"hf.dev.web.app", "app"};
const LogSource kDb{"hf.dev.web.db", "db"};
constexpr std::size_t kAll = 1024 * 1024;

}  // namespace

TEST_CASE("lines leave in order, grouped by their source") {
    FollowBuffer buffer(kAll);
    buffer.push_line(kApp, "1", false);
    buffer.push_line(kApp, "2", true);
    buffer.push_line(kDb, "3", false);
    buffer.push_line(kApp, "4", false);
    const auto first = buffer.take(kAll);
    CHECK(first->source == kApp.container);
    CHECK(first->service == "app");
    CHECK(first->lines == std::vector<std::string>{"1", "2"});
    CHECK(first->truncated);
    CHECK(buffer.take(kAll)->lines == std::vector<std::string>{"3"});
    CHECK_FALSE(buffer.take(kAll)->truncated);
    CHECK_FALSE(buffer.take(kAll));
    CHECK(buffer.bytes() == 0);
}

TEST_CASE("a full buffer drops its oldest lines and counts them for their source") {
    FollowBuffer buffer(10 * (FollowBuffer::kItemBytes + 1));
    buffer.push_line(kDb, "d", false);
    for (int i = 0; i < 20; ++i)
        buffer.push_line(kApp, "a", false);
    CHECK(buffer.bytes() <= 10 * (FollowBuffer::kItemBytes + 1));
    const auto app = buffer.take(kAll);
    CHECK(app->lines.size() == 10);
    CHECK(app->lost_lines == 10);
    CHECK(app->truncated);
    const auto db = buffer.take(kAll);
    REQUIRE(db);
    CHECK(db->source == kDb.container);
    CHECK(db->lines.empty());
    CHECK(db->lost_lines == 1);
    CHECK(buffer.empty());
}

TEST_CASE("no line is unaccounted for, whatever is pushed and taken") {
    FollowBuffer buffer(3'000);
    std::uint64_t random = 42;
    std::int64_t pushed = 0;
    std::int64_t seen = 0;
    const auto take = [&](std::size_t bytes) {
        const auto reply = buffer.take(bytes);
        if (reply) seen += static_cast<std::int64_t>(reply->lines.size()) + reply->lost_lines;
        return reply.has_value();
    };
    for (int i = 0; i < 20'000; ++i) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        const auto what = (random >> 33U) % 100;
        const LogSource& source = what % 2 == 0 ? kApp : kDb;
        if (what < 80) {
            buffer.push_line(source, std::string(what, 'x'), false);
            ++pushed;
        } else if (what < 83) {
            buffer.push_event(source, LogsEvent::Ended);
        } else if (what < 85) {
            buffer.note_lost(source, 2);
            pushed += 2;
        } else {
            (void)take(what * 10);
        }
        CHECK(buffer.bytes() <= 3'000);
    }
    while (take(500)) {
    }
    CHECK(seen == pushed);
}

TEST_CASE("an event ends its reply, and events have a limit of their own") {
    FollowBuffer buffer(kAll);
    buffer.push_line(kApp, "last", false);
    buffer.push_event(kApp, LogsEvent::Ended);
    buffer.push_event(kApp, LogsEvent::Resumed);
    buffer.push_line(kApp, "first", false);
    const auto ended = buffer.take(kAll);
    CHECK(ended->lines == std::vector<std::string>{"last"});
    CHECK(ended->event == LogsEvent::Ended);
    const auto resumed = buffer.take(kAll);
    CHECK(resumed->lines.empty());
    CHECK(resumed->event == LogsEvent::Resumed);
    CHECK(buffer.take(kAll)->lines == std::vector<std::string>{"first"});
    for (std::size_t i = 0; i < 2 * FollowBuffer::kMaxEvents; ++i)
        buffer.push_event(kApp, LogsEvent::Ended);
    std::size_t events = 0;
    while (buffer.take(kAll))
        ++events;
    CHECK(events == FollowBuffer::kMaxEvents);
}

TEST_CASE("a stream lives for three renewals and sends less than the server allows between two") {
    SteadyTime now{};
    StreamLease lease("inbox.1", now);
    CHECK_FALSE(lease.expired(now + contracts::kFollowLease - 1ms));
    CHECK(lease.expired(now + contracts::kFollowLease));
    int sent = 0;
    while (lease.may_send()) {
        CHECK(lease.send() == "inbox.1");
        ++sent;
    }
    CHECK(sent < contracts::kDeviceResponses.max_messages);
    lease.renew("inbox.2", now + 10s);
    CHECK_FALSE(lease.expired(now + contracts::kFollowLease));
    CHECK(lease.may_send());
    lease.connection_changed();
    CHECK_FALSE(lease.may_send());
    lease.renew("inbox.2", now + 11s);
    CHECK(lease.may_send());
}

}  // namespace harmony::agent
