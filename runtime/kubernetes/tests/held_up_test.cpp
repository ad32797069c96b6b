// Who is held up by what does not come: an address that takes connections and says nothing, a credential
// plugin that runs on.
#include <catch2/catch.hpp>
#include <functional>
#include <future>
#include <thread>

#include "harmony/kubernetes/client.hpp"
#include "loopback_listener.hpp"
#include "observer.hpp"
#include "test_folder.hpp"
#include "transport/transport.hpp"

using namespace harmony::runtime::kubernetes;
using namespace harmony::runtime::kubernetes::testing;
using namespace std::chrono_literals;

namespace {

const ResourceType kSecrets{"", "v1", "secrets", "Secret", true};
constexpr auto kLong = 30s;

ClusterAccess access_to(std::uint16_t port) {
    ClusterAccess access;
    access.origin = "a test";
    access.host = "127.0.0.1";
    access.port = port;
    access.insecure = true;
    return access;
}

// A plugin that says `began`, and ends when there is a file `go`.
ClusterAccess access_with_slow_plugin(const Folder& folder) {
    const std::string command =
        folder.write("plugin",
                     "#!/bin/sh\ntouch \"$1/began\"\nwhile [ ! -e \"$1/go\" ]; do sleep 0.1; done\n"
                     "echo '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\","
                     "\"status\":{\"token\":\"one\"}}'\n",
                     0700);
    ClusterAccess access = access_to(1);
    access.exec = ExecPlugin{command, {folder.path()}, {}, "client.authentication.k8s.io/v1", "", false};
    return access;
}

bool eventually(const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + kLong;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(10ms);
    }
    return true;
}

bool began(const Folder& folder) {
    return eventually([&] { return std::filesystem::exists(folder.path() + "/began"); });
}

}  // namespace

TEST_CASE("an address that takes a connection and says nothing is given up long before a watch would end") {
    const LoopbackListener server;
    const auto transport = make_transport(access_to(server.port())).value();
    std::promise<Wired<WireReply>> promise;
    auto ended = promise.get_future();
    WireHandlers handlers;
    handlers.on_bytes = [](std::string_view) { return true; };
    handlers.on_end = [&](Wired<WireReply> reply) { promise.set_value(std::move(reply)); };
    WireLimits limits{WireClock::now() + 10min};
    limits.connect_within = 200ms;
    WireRequest request;
    request.target = "/api/v1/secrets";
    const Operation operation = transport->start(std::move(request), limits, std::move(handlers));
    REQUIRE(ended.wait_for(kLong) == std::future_status::ready);
    const auto reply = ended.get();
    REQUIRE_FALSE(reply);
    CHECK(reply.error().fault == WireFault::Unreachable);
    CHECK_FALSE(reply.error().sent);
}

TEST_CASE("a call that is stopped ends at once, while it is held up and between two attempts") {
    const LoopbackListener server;
    const bool held_up = GENERATE(true, false);
    // Nothing listens at port 1.
    const auto client = make_kubernetes_client(access_to(held_up ? server.port() : 1)).value();
    std::stop_source stop;
    CallLimits limits;
    limits.deadline = 10min;
    limits.attempts = 1'000'000;
    limits.stop = stop.get_token();
    auto listed =
        std::async(std::launch::async, [&] { return client->list(kSecrets, "default", {}, limits); });
    CHECK(listed.wait_for(300ms) == std::future_status::timeout);
    const auto stopped = std::chrono::steady_clock::now();
    stop.request_stop();
    const auto answer = listed.get();
    CHECK(std::chrono::steady_clock::now() - stopped < 5s);  // long before a connection would be given up
    REQUIRE_FALSE(answer);
    CHECK(answer.error().reason == Reason::Cancelled);
}

TEST_CASE("a plugin that runs for a call does not hold up what the watches share") {
    const Folder folder;
    const auto client = make_kubernetes_client(access_with_slow_plugin(folder)).value();
    std::jthread caller([&] {
        CallLimits limits;
        limits.deadline = 10min;
        limits.attempts = 1;
        static_cast<void>(client->list(kSecrets, "default", {}, limits));
    });
    const bool runs = began(folder);
    Observer observer;
    const auto first = client->watch({kSecrets, "default"}, observer.handlers()).value();
    const auto second = client->watch({kSecrets, "default"}, observer.handlers()).value();
    // They begin one after the other, on one thread; the first needs what the plugin will print.
    const bool second_began = eventually([&] { return second->replays() > 0; });
    static_cast<void>(folder.write("go", ""));
    CHECK(runs);
    CHECK(second_began);
}

TEST_CASE("a client waits for the plugin that still runs for a watch that is gone") {
    const Folder folder;
    auto client = make_kubernetes_client(access_with_slow_plugin(folder)).value();
    Observer observer;
    auto watch = client->watch({kSecrets, "default"}, observer.handlers()).value();
    const bool runs = began(folder);
    watch.reset();
    auto ended = std::async(std::launch::async, [&] { client.reset(); });
    static_cast<void>(folder.write("go", ""));
    CHECK(runs);
    CHECK(ended.wait_for(kLong) == std::future_status::ready);
}

TEST_CASE("an address that says nothing is unreachable, however short the deadline") {
    const LoopbackListener server;
    CallLimits limits;
    limits.deadline = 300ms;
    const auto client = make_kubernetes_client(access_to(server.port())).value();
    const auto listed = client->list(kSecrets, "default", {}, limits);
    REQUIRE_FALSE(listed);
    CHECK(listed.error().reason == Reason::Unreachable);
}

TEST_CASE("a key with a passphrase is refused, and nobody is asked for it") {
    ClusterAccess access = access_to(1);
    access.client_certificate_pem = "-----BEGIN CERTIFICATE-----";
    access.client_key_pem = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
    const auto client = make_kubernetes_client(access);
    REQUIRE_FALSE(client);
    CHECK(client.error().reason == Reason::Configuration);
    CHECK(client.error().text() == "a test: client-key is encrypted; give one without a passphrase");
}
