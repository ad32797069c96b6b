#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>

#include "harmony/nats/direct_get.hpp"
#include "harmony/nats/key_value.hpp"
#include "harmony/nats_testing/nats_server.hpp"
#include "store_behaviour.hpp"

namespace harmony::runtime::nats {
namespace {

using namespace std::chrono_literals;
using testing::eventually;

constexpr const char* kUsers = R"(
authorization {
  users: [
    { user: "admin", password: "a" }
    { user: "dev", password: "d", permissions: {
        publish: ["$JS.API.DIRECT.GET.KV_b.$KV.b.dev.>", "mine"], subscribe: ["_INBOX_dev.>", "$KV.b.dev.>"] } }
  ]
})";

}  // namespace

TEST_CASE("a device reads its own keys without any right on the JetStream API") {
    nats_testing::NatsServerFixture server({.jetstream = true, .extra_config = kUsers});
    const auto admin = server.connect({"admin", "a"});
    REQUIRE(ensure_bucket(*admin, {.name = "b"}, 5s));
    KeyValue store(*admin, "b");
    REQUIRE(store.put("dev.web", "hello"));
    REQUIRE(store.put("other.web", "secret"));

    auto options = server.connection_options();
    options.credentials = {"dev", "d"};
    options.inbox_prefix = "_INBOX_dev";
    options.retry_first_connect = false;
    const auto device = make_nats_connection(options);
    std::atomic<int> refusals = 0;
    REQUIRE(device->start({.on_connected = {}, .on_disconnected = {}, .on_error = [&](const Error& error) {
                               if (error.kind() == ErrorKind::PermissionDenied) ++refusals;
                           }}));
    const auto own = direct_get(*device, "b", "dev.web", 5s);
    INFO((own ? "" : own.error().text()));
    REQUIRE(own);
    CHECK((*own)->value == "hello");
    const auto absent = direct_get(*device, "b", "dev.nothing", 5s);
    REQUIRE(absent);
    CHECK_FALSE(absent->has_value());

    const auto foreign = direct_get(*device, "b", "other.web", 200ms);
    REQUIRE_FALSE(foreign);
    CHECK(foreign.error().kind() == ErrorKind::PermissionDenied);
    CHECK(refusals >= 1);

    std::atomic<int> heard = 0;
    const auto hints = device->subscribe("$KV.b.dev.>", [&](const Message&) { ++heard; });
    REQUIRE(device->flush(2s));
    REQUIRE(store.put("dev.web", "two"));
    REQUIRE(store.del("dev.web"));
    CHECK(eventually([&] { return heard == 2; }));
    const auto gone = direct_get(*device, "b", "dev.web", 5s);
    REQUIRE(gone);
    CHECK_FALSE(gone->has_value());

    const int before = refusals;
    const auto spying = device->subscribe("$KV.b.other.>", [](const Message&) {});
    CHECK(eventually([&] { return refusals > before; }));
    CHECK(spying.has_value());
}

}  // namespace harmony::runtime::nats
