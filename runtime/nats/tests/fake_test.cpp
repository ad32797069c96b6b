#include <catch2/catch.hpp>
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "harmony/nats/fake_connection.hpp"
#include "harmony/nats/key_value.hpp"
#include "store_behaviour.hpp"

namespace harmony::runtime::nats {
namespace {

Message text(std::string subject, std::string payload = {}) {
    return {.subject = std::move(subject), .payload = std::move(payload), .reply = {}, .headers = {}};
}

}  // namespace

TEST_CASE("the fake delivers to every matching subscriber and once per queue group") {
    const auto server = FakeNatsServer::create();
    const auto one = FakeNatsConnection::create(server);
    const auto two = FakeNatsConnection::create(server);
    REQUIRE(one->start({}));
    REQUIRE(two->start({}));
    int plain = 0;
    int grouped = 0;
    const auto a = two->subscribe("x.*", [&](const Message&) { ++plain; });
    const auto b = two->subscribe("x.>", [&](const Message&) { ++grouped; }, {.queue_group = "g"});
    const auto c = one->subscribe("x.>", [&](const Message&) { ++grouped; }, {.queue_group = "g"});
    REQUIRE(one->publish(text("x.y")));
    CHECK(plain == 1);
    CHECK(grouped == 1);
    CHECK(server->published("x.>").size() == 1);
}

TEST_CASE("the fake fails the n-th publish, drops and denies on request") {
    const auto server = FakeNatsServer::create();
    const auto connection = FakeNatsConnection::create(server);
    std::vector<ErrorKind> errors;
    REQUIRE(connection->start({.on_connected = {},
                               .on_disconnected = {},
                               .on_error = [&](const Error& error) { errors.push_back(error.kind()); }}));
    int heard = 0;
    const auto listening = connection->subscribe(">", [&](const Message&) { ++heard; });
    server->fail_publish("a.>", 2, ErrorKind::Unavailable);
    CHECK(connection->publish(text("a.b")));
    CHECK_FALSE(connection->publish(text("a.b")));
    CHECK(connection->publish(text("a.b")));
    CHECK(heard == 2);
    server->drop("lost");
    CHECK(connection->publish(text("lost")));
    CHECK(heard == 2);
    CHECK(connection->request(text("lost"), Milliseconds{1'000}).error().kind() == ErrorKind::Timeout);
    server->deny("secret.>");
    CHECK(connection->publish(text("secret.x")));
    CHECK(heard == 2);
    CHECK(connection->request(text("secret.x"), Milliseconds{1'000}).error().kind() ==
          ErrorKind::PermissionDenied);
    CHECK(errors == std::vector<ErrorKind>{ErrorKind::PermissionDenied, ErrorKind::PermissionDenied});
}

TEST_CASE("the fake goes away, loses its memory and comes back") {
    const auto server = FakeNatsServer::create();
    const auto connection = FakeNatsConnection::create(server);
    std::vector<std::string> seen;
    REQUIRE(connection->start(
        {.on_connected = [&](Connected how) { seen.push_back(how == Connected::First ? "first" : "again"); },
         .on_disconnected = [&](const Error&) { seen.push_back("gone"); },
         .on_error = {}}));
    REQUIRE(ensure_bucket(*connection, {.name = "kept"}, Milliseconds{100}));
    REQUIRE(ensure_bucket(*connection, {.name = "lost", .storage = Storage::Memory}, Milliseconds{100}));
    REQUIRE(KeyValue(*connection, "kept").put("k", "v"));
    REQUIRE(KeyValue(*connection, "lost").put("k", "v"));
    server->stop();
    CHECK(connection->publish(text("x")).error().kind() == ErrorKind::Unavailable);
    CHECK(connection->status() == ConnectionStatus::Reconnecting);
    server->restart();
    CHECK(seen == std::vector<std::string>{"first", "gone", "again"});
    CHECK(server->keys("kept") == std::vector<std::string>{"k"});
    CHECK(server->keys("lost").empty());
    server->expire("kept", "k");
    CHECK_FALSE(server->value("kept", "k"));
}

TEST_CASE("nothing is delivered after a subscription or its connection ended") {
    const auto server = FakeNatsServer::create();
    auto connection = FakeNatsConnection::create(server);
    const auto other = FakeNatsConnection::create(server);
    REQUIRE(connection->start({}));
    REQUIRE(other->start({}));
    int heard = 0;
    auto ended = connection->subscribe("a", [&](const Message&) { ++heard; });
    auto outliving = connection->subscribe("b", [&](const Message&) { ++heard; });
    ended->end();
    REQUIRE(other->publish(text("a")));
    connection.reset();
    REQUIRE(other->publish(text("b")));
    CHECK(heard == 0);
}

// On the fake, because a real server's flow control stops before a queue of any sensible size overflows.
TEST_CASE("a reader slower than its queue notices the gap and replays") {
    using namespace std::chrono_literals;
    const auto server = FakeNatsServer::create();
    const auto connection = FakeNatsConnection::create(server);
    REQUIRE(connection->start({}));
    REQUIRE(ensure_bucket(*connection, {.name = "b"}, 1s));
    KeyValue store(*connection, "b");
    std::mutex gate;
    std::mutex mutex;
    std::map<std::string, std::string> seen;
    std::unique_lock closed(gate);
    const auto watch = store.watch(
        ">",
        {.on_entry =
             [&](const Entry& entry) {
                 const std::lock_guard wait(gate);
                 const std::lock_guard lock(mutex);
                 seen[entry.key] = entry.value;
             }},
        {.idle_heartbeat = 10ms, .retry_first = 1ms, .retry_max = 5ms, .max_queued_messages = 64});
    REQUIRE(testing::eventually([&] { return watch->replays() == 1; }));
    for (int i = 0; i < 500; ++i)
        REQUIRE(store.put("k" + std::to_string(i % 50), std::to_string(i)));
    closed.unlock();
    CHECK(testing::eventually([&] {
        const std::lock_guard lock(mutex);
        return seen["k49"] == "499" && seen["k0"] == "450";
    }));
    CHECK(watch->replays() >= 2);
}

}  // namespace harmony::runtime::nats
