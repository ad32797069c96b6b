#include "store_behaviour.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <map>
#include <mutex>
#include <thread>

#include "harmony/nats/bucket_state.hpp"
#include "harmony/nats/direct_get.hpp"
#include "harmony/nats/key_value.hpp"

namespace harmony::runtime::nats::testing {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds kTimeout{5'000};

void ensure(NatsConnection& connection, const std::string& bucket, Storage storage = Storage::File) {
    const auto made = ensure_bucket(connection, {.name = bucket, .storage = storage}, kTimeout);
    INFO((made ? "" : made.error().text()));
    REQUIRE(made);
}

// What a reader of a watch knows, kept the way the header says.
struct Mirror {
    std::mutex mutex;
    std::map<std::string, std::string> known;
    std::map<std::string, std::string> replaying;
    bool caught_up = false;
    int deletions_told = 0;

    WatchHandlers handlers() {
        return {.on_replay =
                    [this] {
                        const std::lock_guard lock(mutex);
                        replaying.clear();
                        caught_up = false;
                    },
                .on_entry =
                    [this](const Entry& entry) {
                        const std::lock_guard lock(mutex);
                        auto& target = caught_up ? known : replaying;
                        if (entry.deleted) {
                            ++deletions_told;
                            target.erase(entry.key);
                        } else {
                            target[entry.key] = entry.value;
                        }
                    },
                .on_caught_up =
                    [this] {
                        const std::lock_guard lock(mutex);
                        known = replaying;
                        caught_up = true;
                    },
                .on_trouble = {}};
    }
    bool is(const std::map<std::string, std::string>& expected) {
        const std::lock_guard lock(mutex);
        return caught_up && known == expected;
    }
};

}  // namespace

bool eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(2ms);
    }
    return true;
}

void bucket_is_created_and_changed(NatsConnection& connection) {
    KeyValue store(connection, "settings", kTimeout);
    const auto missing = store.put("a", "1");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().kind() == ErrorKind::NotFound);

    BucketSettings settings{.name = "settings"};
    REQUIRE(ensure_bucket(connection, settings, kTimeout));
    REQUIRE(store.put("a", "1"));
    REQUIRE(ensure_bucket(connection, settings, kTimeout));
    settings.time_to_live = 60s;
    REQUIRE(ensure_bucket(connection, settings, kTimeout));
    CHECK((*store.get("a"))->value == "1");

    settings.max_value_bytes = 1'000;
    REQUIRE(ensure_bucket(connection, settings, kTimeout));
    CHECK(store.put("a", std::string(1'000, 'x')));
    CHECK_FALSE(store.put("a", std::string(2'000, 'x')));
    CHECK((*store.get("a"))->value.size() == 1'000);

    settings.storage = Storage::Memory;
    const auto refused = ensure_bucket(connection, settings, kTimeout);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind() == ErrorKind::Conflict);

    REQUIRE(delete_bucket(connection, "settings", kTimeout));
    const auto again = delete_bucket(connection, "settings", kTimeout);
    REQUIRE_FALSE(again);
    CHECK(again.error().kind() == ErrorKind::NotFound);
}

void bucket_tells_its_losses(NatsConnection& connection) {
    CHECK(bucket_state(connection, "store", kTimeout).error().kind() == ErrorKind::NotFound);
    ensure(connection, "store");
    KeyValue store(connection, "store", kTimeout);
    const auto look = [&] {
        auto state = bucket_state(connection, "store", kTimeout);
        INFO((state ? "" : state.error().text()));
        REQUIRE(state);
        return *std::move(state);
    };
    const BucketState empty = look();
    CHECK(empty.messages == 0);
    CHECK_FALSE(empty.created.empty());
    REQUIRE(store.put("a", "1"));
    REQUIRE(store.put("a", "2"));
    REQUIRE(store.put("b", "1"));
    REQUIRE(store.del("b"));
    ensure(connection, "store");
    const BucketState filled = look();
    CHECK(filled.messages == 2);
    CHECK(filled.last_revision == 4);
    CHECK_FALSE(has_lost_entries(empty, filled));
    CHECK(has_lost_entries(filled, empty));

    REQUIRE(delete_bucket(connection, "store", kTimeout));
    ensure(connection, "store");
    for (int number = 0; number < 5; ++number)
        REQUIRE(store.put("key" + std::to_string(number), "1"));
    const BucketState made_anew = look();
    CHECK(made_anew.messages > filled.messages);
    CHECK(has_lost_entries(filled, made_anew));
}

void values_are_written_read_and_deleted(NatsConnection& connection) {
    ensure(connection, "store");
    KeyValue store(connection, "store", kTimeout);
    CHECK_FALSE(store.get("device.web")->has_value());
    const auto first = store.put("device.web", "one");
    const auto second = store.put("device.web", std::string("t\0o", 3));
    REQUIRE(first);
    REQUIRE(second);
    CHECK(*second > *first);
    const auto entry = direct_get(connection, "store", "device.web", kTimeout);
    REQUIRE(entry);
    CHECK(**entry == Entry{"device.web", std::string("t\0o", 3), *second, false});
    REQUIRE(store.del("device.web"));
    CHECK_FALSE(store.get("device.web")->has_value());
    for (const char* key : {"", "a..b", ".a", "a.", "a b", "a.*", ">"}) {
        INFO(key);
        const auto bad = store.put(key, "x");
        REQUIRE_FALSE(bad);
        CHECK(bad.error().kind() == ErrorKind::InvalidInput);
    }
    const auto no_bucket = direct_get(connection, "absent", "key", 500ms);
    REQUIRE_FALSE(no_bucket);
    CHECK(no_bucket.error().kind() == ErrorKind::NotFound);
}

void keys_and_values_are_loaded(NatsConnection& connection) {
    ensure(connection, "store");
    KeyValue store(connection, "store", kTimeout);
    CHECK(store.load()->empty());
    REQUIRE(store.put("one.a", "1"));
    REQUIRE(store.put("two.a", "2"));
    REQUIRE(store.put("one.b", "3"));
    REQUIRE(store.put("one.c", "4"));
    REQUIRE(store.del("one.c"));
    CHECK(*store.keys() == std::vector<std::string>{"one.a", "two.a", "one.b"});
    CHECK(*store.keys("one.>") == std::vector<std::string>{"one.a", "one.b"});
    const auto entries = store.load("two.>");
    REQUIRE(entries);
    REQUIRE(entries->size() == 1);
    CHECK(entries->front().value == "2");
    const auto absent = KeyValue(connection, "absent", kTimeout).load();
    REQUIRE_FALSE(absent);
    CHECK(absent.error().kind() == ErrorKind::NotFound);
}

void watch_replays_then_follows(NatsConnection& connection) {
    ensure(connection, "store");
    KeyValue store(connection, "store", kTimeout);
    Mirror empty;
    const auto empty_watch = store.watch(">", empty.handlers());
    CHECK(eventually([&] { return empty.is({}); }));

    REQUIRE(store.put("one.a", "1"));
    REQUIRE(store.put("two.a", "2"));
    Mirror mirror;
    const auto watch = store.watch("one.>", mirror.handlers());
    CHECK(eventually([&] { return mirror.is({{"one.a", "1"}}); }));
    REQUIRE(store.put("one.b", "3"));
    CHECK(eventually([&] { return mirror.is({{"one.a", "1"}, {"one.b", "3"}}); }));
    REQUIRE(store.del("one.a"));
    CHECK(eventually([&] { return mirror.is({{"one.b", "3"}}); }));
    CHECK(watch->replays() == 1);
    watch->restart();
    CHECK(eventually([&] { return watch->replays() == 2 && mirror.is({{"one.b", "3"}}); }));
    CHECK(eventually([&] { return empty.is({{"one.b", "3"}, {"two.a", "2"}}); }));
}

void watch_survives_recreated_bucket(NatsConnection& connection) {
    KeyValue store(connection, "store", kTimeout);
    Mirror mirror;
    const auto watch = store.watch(
        ">", mirror.handlers(),
        {.idle_heartbeat = 200ms, .retry_first = Milliseconds{10}, .retry_max = Milliseconds{50}});
    ensure(connection, "store");
    REQUIRE(store.put("a", "1"));
    CHECK(eventually([&] { return mirror.is({{"a", "1"}}); }));
    REQUIRE(delete_bucket(connection, "store", kTimeout));
    ensure(connection, "store");
    REQUIRE(store.put("b", "2"));
    CHECK(eventually([&] { return mirror.is({{"b", "2"}}); }));
    CHECK(watch->replays() >= 2);
}

void batch_writes_and_reports(NatsConnection& connection) {
    ensure(connection, "store");
    auto batch = WriteBatch::open(connection, {.max_in_flight = 16});
    REQUIRE(batch);
    for (int i = 0; i < 500; ++i)
        REQUIRE((*batch)->put("store", "key-" + std::to_string(i), "v"));
    REQUIRE((*batch)->del("store", "key-0"));
    const auto outcome = (*batch)->finish();
    CHECK(outcome.written == 501);
    CHECK(outcome.failed.empty());
    CHECK(KeyValue(connection, "store", kTimeout).keys()->size() == 499);

    REQUIRE((*batch)->put("absent", "key", "v"));
    REQUIRE((*batch)->put("store", "key-0", "back"));
    const auto partial = (*batch)->finish();
    CHECK(partial.written == 1);
    REQUIRE(partial.failed.size() == 1);
    CHECK(partial.failed.front().key == "key");
    CHECK(partial.failed.front().error.kind() == ErrorKind::NotFound);
}

void requests_tell_silence_from_absence(NatsConnection& connection) {
    const auto nobody =
        connection.request({.subject = "nobody", .payload = {}, .reply = {}, .headers = {}}, 5s);
    REQUIRE_FALSE(nobody);
    CHECK(nobody.error().kind() == ErrorKind::NotFound);
    auto deaf = connection.subscribe("deaf", [](const Message&) {});
    REQUIRE(deaf);
    const auto silent =
        connection.request({.subject = "deaf", .payload = {}, .reply = {}, .headers = {}}, 50ms);
    REQUIRE_FALSE(silent);
    CHECK(silent.error().kind() == ErrorKind::Timeout);
    auto echo = connection.subscribe("echo.*", [&](const Message& request) {
        const auto sent = connection.publish({.subject = request.reply,
                                              .payload = request.payload + "!",
                                              .reply = {},
                                              .headers = request.headers});
        static_cast<void>(sent);
    });
    REQUIRE(echo);
    const auto reply = connection.request(
        {.subject = "echo.a", .payload = "hi", .reply = {}, .headers = {{"X-One", "1"}, {"X-Two", "2"}}}, 5s);
    REQUIRE(reply);
    CHECK(reply->payload == "hi!");
    CHECK(reply->header("X-Two") == "2");
    echo->end();
    const auto ended =
        connection.request({.subject = "echo.a", .payload = {}, .reply = {}, .headers = {}}, 5s);
    REQUIRE_FALSE(ended);
    CHECK(ended.error().kind() == ErrorKind::NotFound);
}

}  // namespace harmony::runtime::nats::testing
