#include "harmony/daemon/status_server.hpp"

#include <catch2/catch.hpp>

#include "harmony/http/client.hpp"
#include "temporary_directory.hpp"

namespace harmony::runtime::daemon {

TEST_CASE("a daemon's pages tell health, readiness and metrics") {
    HealthRegistry health;
    MetricsRegistry metrics;
    metrics.counter("things_total", "Things.").add(2);
    const auto nats = health.add_flag(CheckKind::Readiness, "nats", "not connected");
    const auto server = make_status_server({}, health, metrics);
    const auto port = server->start();
    REQUIRE(port);
    const auto client = http::make_http_client(http::Endpoint::tcp("127.0.0.1", *port));
    const auto page = [&](const char* path) {
        return *client->request({.method = "GET", .target = path, .body = {}, .headers = {}}, {});
    };
    CHECK(page("/healthz").status == 200);
    CHECK(page("/readyz").status == 503);
    CHECK(page("/readyz").body.find("not connected") != std::string::npos);
    nats->pass();
    CHECK(page("/readyz").status == 200);
    CHECK(page("/readyz").header("content-type") == "application/json");
    const auto text = page("/metrics");
    CHECK(text.body.find("things_total 2\n") != std::string::npos);
    CHECK(text.header("content-type") == kMetricsContentType);
}

TEST_CASE("a daemon's pages are on loopback unless its configuration says another address") {
    auto reader =
        ConfigReader::parse("[agent]\nhealth_address = \"0.0.0.0\"\nhealth_port = 8080\n", "a.toml");
    REQUIRE(reader);
    const StatusAddress given = read_status_address(*reader, "agent");
    CHECK(given.address == "0.0.0.0");
    CHECK(given.port == 8080);
    CHECK(read_status_address(*reader, "operator").address == "127.0.0.1");

    const testing::TemporaryDirectory directory;
    HealthRegistry health;
    MetricsRegistry metrics;
    const auto running = start_status_server({.address = "0.0.0.0"}, directory.path(), health, metrics);
    REQUIRE(running);
    // 127.0.0.2 is this machine, and not where a server on 127.0.0.1 listens.
    const auto client = http::make_http_client(http::Endpoint::tcp("127.0.0.2", running->port));
    CHECK(client->request({.method = "GET", .target = "/healthz", .body = {}, .headers = {}}, {})->status ==
          200);
    const auto loopback = start_status_server({}, directory.path(), health, metrics);
    REQUIRE(loopback);
    const auto other = http::make_http_client(http::Endpoint::tcp("127.0.0.2", loopback->port));
    CHECK_FALSE(other->request({.method = "GET", .target = "/healthz", .body = {}, .headers = {}}, {}));
    CHECK_FALSE(start_status_server({.address = "192.0.2.1"}, directory.path(), health, metrics));
}

}  // namespace harmony::runtime::daemon
