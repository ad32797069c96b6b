#include <catch2/catch.hpp>

#include "harmony/nats/connection.hpp"

namespace harmony::runtime::nats {

TEST_CASE("a filter matches exactly the subjects that the server would deliver") {
    struct Case {
        const char* filter;
        const char* subject;
        bool matches;
    };
    const Case cases[] = {
        {"a.b", "a.b", true},       {"a.b", "a.b.c", false}, {"a.b.c", "a.b", false},  {"a.*", "a.b", true},
        {"a.*", "a", false},        {"a.*", "a.b.c", false}, {"*.b", "a.b", true},     {"a.>", "a.b.c", true},
        {"a.>", "a", false},        {">", "a", true},        {"a.*.c", "a.b.c", true}, {"a", "ab", false},
        {"a.b.>", "a.bc.d", false},
    };
    for (const Case& c : cases) {
        INFO(c.filter << " against " << c.subject);
        CHECK(subject_matches(c.filter, c.subject) == c.matches);
    }
}

TEST_CASE("a message knows its headers and its status") {
    const Message message{
        .subject = "s", .payload = {}, .reply = {}, .headers = {{"Status", "404"}, {"A", "b"}}};
    CHECK(message.status() == 404);
    CHECK(message.header("A") == "b");
    CHECK_FALSE(message.header("a").has_value());
    CHECK(Message{}.status() == 0);
}

TEST_CASE("the delay before a reconnect doubles, is capped and jitters downwards") {
    const ReconnectPolicy policy{
        .first_delay = Milliseconds{100}, .max_delay = Milliseconds{1'000}, .jitter = 0.5};
    CHECK(reconnect_delay(policy, 1, 0).count() == 100);
    CHECK(reconnect_delay(policy, 3, 0).count() == 400);
    CHECK(reconnect_delay(policy, 4, 0).count() == 800);
    CHECK(reconnect_delay(policy, 1'000'000, 0).count() == 1'000);
    CHECK(reconnect_delay(policy, 1'000'000, 0.999).count() >= 500);
    CHECK(reconnect_delay(policy, 1, 1).count() == 50);
}

}  // namespace harmony::runtime::nats
