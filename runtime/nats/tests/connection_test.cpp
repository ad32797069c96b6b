#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <mutex>

#include "harmony/nats_testing/nats_server.hpp"
#include "store_behaviour.hpp"

namespace harmony::runtime::nats {
namespace {

using namespace std::chrono_literals;
using nats_testing::NatsServerFixture;
using testing::eventually;

Message text(std::string subject, std::string payload = {}) {
    return {.subject = std::move(subject), .payload = std::move(payload), .reply = {}, .headers = {}};
}

struct SeenEvents {
    std::atomic<int> first = 0;
    std::atomic<int> again = 0;
    std::atomic<int> gone = 0;
    std::atomic<int> errors = 0;
    std::mutex mutex;
    std::string last_error;

    ConnectionEvents handlers() {
        return {.on_connected = [this](Connected how) { ++(how == Connected::First ? first : again); },
                .on_disconnected = [this](const Error&) { ++gone; },
                .on_error =
                    [this](const Error& error) {
                        const std::lock_guard lock(mutex);
                        last_error = error.text();
                        ++errors;
                    }};
    }
};

constexpr const char* kUsers = R"(authorization { users: [ { user: "a", password: "right" } ] })";
constexpr const char* kOtherUsers = R"(authorization { users: [ { user: "a", password: "wrong" } ] })";

}  // namespace

TEST_CASE("bad options are refused with the reason") {
    const auto no_url = make_nats_connection({})->start({});
    REQUIRE_FALSE(no_url);
    CHECK(no_url.error().kind() == ErrorKind::InvalidInput);
    ConnectionOptions joined;
    joined.urls = {"nats://a:1,nats://b:2"};
    CHECK(make_nats_connection(joined)->start({}).error().text().find("comma") != std::string::npos);
    ConnectionOptions secret;
    secret.urls = {"nats://user:hidden@a:1"};
    const auto refused = make_nats_connection(secret)->start({});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().text().find("hidden") == std::string::npos);
}

TEST_CASE("a first connect without retry fails at once and says why") {
    NatsServerFixture server({.jetstream = false, .extra_config = kUsers});
    auto options = server.connection_options();
    options.retry_first_connect = false;
    options.credentials = {"a", "wrong"};
    const auto refused = make_nats_connection(options)->start({});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind() == ErrorKind::PermissionDenied);
    CHECK(refused.error().text().find("wrong") == std::string::npos);
    server.stop();
    const auto nobody = make_nats_connection(options)->start({});
    REQUIRE_FALSE(nobody);
    CHECK(nobody.error().kind() == ErrorKind::Unavailable);
}

TEST_CASE("a connection started before its server connects when the server comes") {
    NatsServerFixture server({.jetstream = false, .extra_config = {}});
    server.stop();
    SeenEvents seen;
    const auto connection = make_nats_connection(server.connection_options());
    REQUIRE(connection->start(seen.handlers()));
    CHECK(connection->status() != ConnectionStatus::Connected);
    std::atomic<int> heard = 0;
    const auto listening = connection->subscribe("early", [&](const Message&) { ++heard; });
    REQUIRE(listening);
    server.start();
    REQUIRE(eventually([&] { return seen.first == 1; }));
    REQUIRE(connection->publish(text("early")));
    CHECK(eventually([&] { return heard == 1; }));
    CHECK(seen.again == 0);
}

TEST_CASE("who subscribes before the connection is there is heard once it is") {
    NatsServerFixture server({.jetstream = false, .extra_config = {}});
    const auto connection = make_nats_connection(server.connection_options());
    std::atomic<int> heard = 0;
    const auto listening = connection->subscribe("early", [&](const Message&) { ++heard; });
    REQUIRE(listening);
    REQUIRE(connection->start({}));
    REQUIRE(connection->flush(5s));
    REQUIRE(connection->publish(text("early")));
    CHECK(eventually([&] { return heard == 1; }));
}

TEST_CASE("a connection and its subscriptions survive five restarts of the server") {
    NatsServerFixture server({.jetstream = false, .extra_config = {}});
    SeenEvents seen;
    const auto connection = server.connect({}, seen.handlers());
    std::atomic<int> heard = 0;
    const auto listening = connection->subscribe("tick", [&](const Message&) { ++heard; });
    for (int life = 1; life <= 5; ++life) {
        if (life % 2 == 1) {
            server.kill();
            server.start();
        } else {
            server.restart();
        }
        REQUIRE(eventually([&] { return seen.again == life; }));
        REQUIRE(connection->publish(text("tick")));
        REQUIRE(connection->flush(2s));
        REQUIRE(eventually([&] { return heard == life; }));
    }
    CHECK(seen.first == 1);
    CHECK(seen.gone == 5);
}

TEST_CASE("a connection refused for its password comes back when the password is accepted again") {
    NatsServerFixture server({.jetstream = false, .extra_config = kUsers});
    SeenEvents seen;
    const auto connection = server.connect({"a", "right"}, seen.handlers());
    std::atomic<int> heard = 0;
    const auto listening = connection->subscribe("tick", [&](const Message&) { ++heard; });
    server.stop();
    server.set_extra_config(kOtherUsers);
    server.start();
    REQUIRE(eventually([&] { return seen.errors > 0; }));
    server.stop();
    server.set_extra_config(kUsers);
    server.start();
    REQUIRE(eventually([&] { return seen.again == 1; }));
    REQUIRE(connection->publish(text("tick")));
    CHECK(eventually([&] { return heard == 1; }));
    const std::lock_guard lock(seen.mutex);
    CHECK(seen.last_error.find("right") == std::string::npos);
}

TEST_CASE("a daemon started with a password that is not valid yet connects once it is") {
    NatsServerFixture server({.jetstream = false, .extra_config = kOtherUsers});
    auto options = server.connection_options();
    options.credentials = {"a", "right"};
    SeenEvents seen;
    const auto connection = make_nats_connection(options);
    REQUIRE(connection->start(seen.handlers()));
    REQUIRE(eventually([&] { return seen.errors > 0; }));
    server.stop();
    server.set_extra_config(kUsers);
    server.start();
    CHECK(eventually([&] { return seen.first == 1; }));
}

TEST_CASE("closing while nobody answers is prompt") {
    NatsServerFixture server({.jetstream = false, .extra_config = {}});
    auto connection = server.connect();
    server.stop();
    const auto begin = std::chrono::steady_clock::now();
    connection->close();
    CHECK(connection->status() == ConnectionStatus::Closed);
    CHECK_FALSE(connection->subscribe("x", [](const Message&) {}));
    connection.reset();
    CHECK(std::chrono::steady_clock::now() - begin < 2s);
}

TEST_CASE("a slow handler loses messages, which is counted and reported") {
    NatsServerFixture server({.jetstream = false, .extra_config = {}});
    SeenEvents seen;
    const auto connection = server.connect({}, seen.handlers());
    std::mutex gate;
    std::atomic<int> heard = 0;
    std::unique_lock closed(gate);
    auto slow = connection->subscribe(
        "flood",
        [&](const Message&) {
            const std::lock_guard lock(gate);
            ++heard;
        },
        {.queue_group = {}, .max_pending_messages = 8, .max_pending_bytes = 1024 * 1024});
    REQUIRE(slow);
    for (int i = 0; i < 100; ++i)
        REQUIRE(connection->publish(text("flood")));
    REQUIRE(connection->flush(2s));
    REQUIRE(eventually([&] { return slow->dropped() > 0 && seen.errors > 0; }));
    closed.unlock();
    CHECK(eventually([&] { return heard + static_cast<int>(slow->dropped()) == 100; }));
}

TEST_CASE("an exception in a handler is reported and the subscription goes on") {
    NatsServerFixture server({.jetstream = false, .extra_config = {}});
    SeenEvents seen;
    const auto connection = server.connect({}, seen.handlers());
    std::atomic<int> heard = 0;
    const auto listening = connection->subscribe("x", [&](const Message&) {
        if (++heard == 1) throw std::runtime_error("broken handler");
    });
    REQUIRE(connection->publish(text("x")));
    REQUIRE(connection->publish(text("x")));
    CHECK(eventually([&] { return heard == 2 && seen.errors == 1; }));
}

TEST_CASE("after end() the handler is not running and does not run again") {
    NatsServerFixture server({.jetstream = false, .extra_config = {}});
    const auto connection = server.connect();
    for (int round = 0; round < 50; ++round) {
        auto alive = std::make_unique<std::atomic<int>>(0);
        auto listening = connection->subscribe("x", [&counter = *alive](const Message&) { ++counter; });
        for (int i = 0; i < 20; ++i)
            REQUIRE(connection->publish(text("x")));
        REQUIRE(connection->flush(2s));
        listening->end();
        alive.reset();  // the sanitizers see a handler that still runs
    }
}

}  // namespace harmony::runtime::nats
