#include "harmony/daemon/status_server.hpp"

#include <catch2/catch.hpp>

#include "harmony/http/client.hpp"

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

}  // namespace harmony::runtime::daemon
