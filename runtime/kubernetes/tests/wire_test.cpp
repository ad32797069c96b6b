// What goes over the wire, to a server that says what the test wants.
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "harmony/kubernetes/client.hpp"
#include "observer.hpp"
#include "scripted_server.hpp"
#include "test_folder.hpp"

using namespace harmony::runtime::kubernetes;
using namespace harmony::runtime::kubernetes::testing;
using namespace std::chrono_literals;

namespace {

const ResourceType kSecrets{"", "v1", "secrets", "Secret", true};
const ObjectRef kKeys{kSecrets, "shop", "keys"};
const std::string kObject = R"({"kind":"Secret","metadata":{"name":"keys","resourceVersion":"41"}})";
const std::string kUnauthorized = R"({"kind":"Status","reason":"Unauthorized","code":401})";

ClusterAccess with_plugin(ClusterAccess access, const Folder& folder, const std::string& script) {
    access.exec = ExecPlugin{folder.write("plugin", "#!/bin/sh\n" + script, 0700),
                             {folder.path()},
                             {},
                             "client.authentication.k8s.io/v1",
                             "",
                             false};
    return access;
}

std::string credential(const Json& status) {
    return Json{
        {"apiVersion", "client.authentication.k8s.io/v1"}, {"kind", "ExecCredential"}, {"status", status}}
        .dump();
}

}  // namespace

TEST_CASE("a call waits for as long as the server says, and is made again, a create too") {
    const ScriptedServer server([](const ServerRequest&, int number) {
        return number == 1 ? answer(429, R"({"reason":"TooManyRequests"})", "Retry-After: 1\r\n")
                           : answer(200, kObject);
    });
    const auto client = make_kubernetes_client(server.access()).value();
    const bool create = GENERATE(false, true);
    const auto began = std::chrono::steady_clock::now();
    const auto answered =
        create ? client->create(kKeys, Json{{"metadata", {{"name", "keys"}}}}) : client->get(kKeys);
    const auto took = std::chrono::steady_clock::now() - began;
    INFO((answered ? std::string() : answered.error().text()));
    CHECK(answered);
    CHECK(server.requests().size() == 2);
    CHECK(took >= 1s);
}

TEST_CASE("a server that says to come back after the deadline is not waited for") {
    const ScriptedServer server([](const ServerRequest&, int) {
        return answer(503, R"({"message":"busy"})", "Retry-After: 3600\r\n");
    });
    const auto client = make_kubernetes_client(server.access()).value();
    const auto refused = client->get(kKeys);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().reason == Reason::Unavailable);
    CHECK(refused.error().retry_after == 3'600s);
}

TEST_CASE("calls that follow each other share a connection, also after a refusal") {
    const ScriptedServer server([](const ServerRequest&, int number) {
        return number == 2 ? answer(404, R"({"reason":"NotFound"})") : answer(200, kObject);
    });
    const auto client = make_kubernetes_client(server.access()).value();
    for (int i = 0; i < 5; ++i)
        static_cast<void>(client->get(kKeys));
    CHECK(server.requests().size() == 5);
    CHECK(server.connections() == 1);
}

TEST_CASE("a watch asks for bookmarks, and goes on from the last one") {
    const ScriptedServer server([](const ServerRequest& request, int) {
        if (request.target.find("watch=true") == std::string::npos)
            return answer(200, R"({"metadata":{"resourceVersion":"41"},"items":[]})");
        return answer(200, R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"50"}}})"
                           "\n");
    });
    const auto client = make_kubernetes_client(server.access()).value();
    Observer observer;
    WatchOptions options;
    options.retry_first = 1ms;
    const auto watch = client->watch({kSecrets, "shop"}, observer.handlers(), options).value();
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (server.requests().size() < 3 && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(2ms);
    const auto asked = server.requests();
    REQUIRE(asked.size() >= 3);
    CHECK_THAT(asked[1].target,
               Catch::Contains("allowWatchBookmarks=true") && Catch::Contains("resourceVersion=41"));
    CHECK_THAT(asked[2].target, Catch::Contains("resourceVersion=50"));
    CHECK(watch->replays() == 1);
}

TEST_CASE("a plugin is run anew when the server does not accept what it gave, once for each call") {
    const Folder folder;
    std::atomic<bool> closed{false};
    const ScriptedServer server([&closed](const ServerRequest& request, int) {
        const bool good = !closed && request.authorization == "Bearer second";
        return good ? answer(200, kObject) : answer(401, kUnauthorized);
    });
    static_cast<void>(folder.write("first", credential({{"token", "first"}})));
    static_cast<void>(folder.write("second", credential({{"token", "second"}})));
    const auto client =
        make_kubernetes_client(with_plugin(server.access(), folder,
                                           "ls -l /proc/self/fd >\"$1/open\" 2>/dev/null\n"
                                           "if mkdir \"$1/ran\" 2>/dev/null; then cat \"$1/first\"; "
                                           "else cat \"$1/second\"; fi\n"))
            .value();
    const auto got = client->get(kKeys);
    INFO((got ? std::string() : got.error().text()));
    CHECK(got);
    CHECK(server.requests().size() == 2);
    // The connection of the first attempt is kept, and is none of its business.
    CHECK(server.connections() == 1);
    CHECK(read_credential_file(folder.path() + "/open").value().find("socket:") == std::string::npos);
    static_cast<void>(folder.write("second", credential({{"token", "third"}})));
    CHECK(client->get(kKeys));
    CHECK(server.requests().size() == 3);
    // What it gives then is refused, too: that is the answer.
    closed = true;
    const auto refused = client->get(kKeys);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().reason == Reason::Unauthorized);
    REQUIRE(server.requests().size() == 5);
    CHECK(server.requests()[4].authorization == "Bearer third");
}

TEST_CASE("the certificate that a plugin gives is shown to the server") {
    const Folder folder;
    const ScriptedServer server([](const ServerRequest& request, int) {
        return request.client == "ada" ? answer(200, kObject) : answer(401, kUnauthorized);
    });
    const Identity ada = make_identity("ada");
    static_cast<void>(folder.write(
        "credential", credential({{"clientCertificateData", ada.certificate}, {"clientKeyData", ada.key}})));
    const auto client =
        make_kubernetes_client(with_plugin(server.access(), folder, "cat \"$1/credential\"\n")).value();
    CHECK(client->get(kKeys));
    CHECK(server.requests().back().client == "ada");
    const Identity other = make_identity("other");
    static_cast<void>(folder.write("credential", credential({{"clientCertificateData", ada.certificate},
                                                             {"clientKeyData", other.key}})));
    const auto torn =
        make_kubernetes_client(with_plugin(server.access(), folder, "cat \"$1/credential\"\n")).value();
    const auto refused = torn->get(kKeys);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().reason == Reason::Configuration);
}
