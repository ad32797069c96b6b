// Buckets, watches and batches across the deaths of the server.
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <map>
#include <mutex>
#include <thread>

#include "harmony/nats/direct_get.hpp"
#include "harmony/nats/key_value.hpp"
#include "harmony/nats_testing/nats_server.hpp"
#include "store_behaviour.hpp"

namespace harmony::runtime::nats {
namespace {

using namespace std::chrono_literals;
using nats_testing::NatsServerFixture;
using testing::eventually;

constexpr WatchOptions kImpatient{.request_timeout = 1s,
                                  .idle_heartbeat = 200ms,
                                  .retry_first = Milliseconds{10},
                                  .retry_max = Milliseconds{100},
                                  .max_queued_messages = 131'072};

}  // namespace

TEST_CASE("a watch goes on after its server was killed, without being told") {
    NatsServerFixture server;
    const auto connection = server.connect();
    REQUIRE(ensure_bucket(*connection, {.name = "b"}, 5s));
    KeyValue store(*connection, "b");
    std::mutex mutex;
    std::map<std::string, std::string> seen;
    const auto watch = store.watch(">",
                                   {.on_replay = {},
                                    .on_entry =
                                        [&](const Entry& entry) {
                                            const std::lock_guard lock(mutex);
                                            seen[entry.key] = entry.value;
                                        },
                                    .on_caught_up = {},
                                    .on_trouble = {}},
                                   kImpatient);
    for (int life = 0; life < 3; ++life) {
        const std::string value = std::to_string(life);
        REQUIRE(eventually([&] { return store.put("k", value).has_value(); }));
        CHECK(eventually([&] {
            const std::lock_guard lock(mutex);
            return seen["k"] == value;
        }));
        server.kill();
        server.start();
    }
    CHECK(eventually([&] { return watch->replays() >= 4; }));
}

TEST_CASE("a watch stops promptly while its server is away") {
    NatsServerFixture server;
    const auto connection = server.connect();
    REQUIRE(ensure_bucket(*connection, {.name = "b"}, 5s));
    KeyValue store(*connection, "b");
    std::atomic<int> troubles = 0;
    auto watch = store.watch(">",
                             {.on_replay = {},
                              .on_entry = {},
                              .on_caught_up = {},
                              .on_trouble = [&](const Error&) { ++troubles; }},
                             kImpatient);
    REQUIRE(eventually([&] { return watch->replays() == 1; }));
    server.kill();
    REQUIRE(eventually([&] { return troubles > 0; }));
    const auto begin = std::chrono::steady_clock::now();
    watch.reset();
    CHECK(std::chrono::steady_clock::now() - begin < 3s);
}

TEST_CASE("a watch and a load see a hundred thousand keys in order") {
    NatsServerFixture server;
    const auto connection = server.connect();
    REQUIRE(ensure_bucket(*connection, {.name = "b", .storage = Storage::Memory}, 5s));
    constexpr int kKeys = 100'000;
    auto batch = WriteBatch::open(*connection);
    REQUIRE(batch);
    for (int i = 0; i < kKeys; ++i)
        REQUIRE((*batch)->put("b", "k" + std::to_string(i), std::string(100, 'x')));
    const auto outcome = (*batch)->finish();
    CHECK(outcome.written == kKeys);
    KeyValue store(*connection, "b");
    std::uint64_t last = 0;
    bool ordered = true;
    const auto count = store.load(">", [&](const Entry& entry) {
        ordered = ordered && entry.revision > last;
        last = entry.revision;
    });
    REQUIRE(count);
    CHECK(*count == kKeys);
    CHECK(ordered);
}

// While a reader is slow the server waits for its flow control to be answered, and sends heartbeats as if it
// idled.
TEST_CASE("a replay whose reader is slow is complete only when everything has been read") {
    constexpr std::size_t kKeys = 8'000;
    const std::string kibibyte(1'024, 'v');
    NatsServerFixture server;
    const auto connection = server.connect();
    REQUIRE(ensure_bucket(*connection, {.name = "b"}, 5s));
    auto batch = WriteBatch::open(*connection);
    REQUIRE(batch);
    for (std::size_t i = 0; i < kKeys; ++i)
        REQUIRE((*batch)->put("b", "k" + std::to_string(i), kibibyte));
    CHECK((*batch)->finish().written == kKeys);
    std::size_t seen = 0;
    std::atomic<std::size_t> complete_at{0};
    KeyValue store(*connection, "b");
    const auto watch = store.watch(">",
                                   {.on_replay = {},
                                    .on_entry =
                                        [&](const Entry&) {
                                            if (++seen == 1) std::this_thread::sleep_for(1s);
                                        },
                                    .on_caught_up = [&] { complete_at = seen; },
                                    .on_trouble = {}},
                                   kImpatient);
    REQUIRE(eventually([&] { return complete_at != 0; }));
    CHECK(complete_at == kKeys);
    CHECK(watch->replays() == 1);
}

TEST_CASE("a batch whose server dies reports every unanswered write") {
    NatsServerFixture server;
    const auto connection = server.connect();
    REQUIRE(ensure_bucket(*connection, {.name = "b"}, 5s));
    auto batch = WriteBatch::open(*connection, {.max_in_flight = 8, .ack_timeout = 200ms});
    REQUIRE(batch);
    server.kill();
    std::size_t sent = 0;
    while (sent < 8 && (*batch)->put("b", "k" + std::to_string(sent), "v"))
        ++sent;
    REQUIRE(sent == 8);
    const auto full = (*batch)->put("b", "one-too-many", "v");
    REQUIRE_FALSE(full);
    CHECK(full.error().kind() == ErrorKind::Timeout);
    const auto outcome = (*batch)->finish();
    CHECK(outcome.written == 0);
    CHECK(outcome.failed.size() == sent);
    server.start();
    REQUIRE(eventually([&] { return connection->status() == ConnectionStatus::Connected; }));
    REQUIRE(eventually([&] {
        const auto put = (*batch)->put("b", "again", "v");
        return put && (*batch)->finish().written == 1;
    }));
}

TEST_CASE("an expired value is absent") {
    NatsServerFixture server;
    const auto connection = server.connect();
    const BucketSettings settings{.name = "b", .storage = Storage::Memory, .time_to_live = 100ms};
    REQUIRE(ensure_bucket(*connection, settings, 5s));
    KeyValue store(*connection, "b");
    REQUIRE(store.put("k", "v"));
    CHECK(eventually([&] {
        const auto value = store.get("k");
        return value && !value->has_value();
    }));
    CHECK(store.load()->empty());
}

}  // namespace harmony::runtime::nats
