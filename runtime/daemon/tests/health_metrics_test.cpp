#include <catch2/catch.hpp>

#include "harmony/daemon/health.hpp"
#include "harmony/daemon/metrics.hpp"

namespace harmony::runtime::daemon {

TEST_CASE("a report names each check and why it fails") {
    HealthRegistry health;
    CHECK(health.report(CheckKind::Health).json == R"({"checks":{},"status":"ok"})");
    const auto nats = health.add_flag(CheckKind::Readiness, "nats", "not \"connected\"\n");
    health.add(CheckKind::Readiness, "disk", [] { return Result<void>{}; });
    const auto report = health.report(CheckKind::Readiness);
    CHECK_FALSE(report.ok);
    CHECK(report.json ==
          R"({"checks":{"disk":{"ok":true},"nats":{"ok":false,"reason":"not \"connected\"\u000a"}},)"
          R"("status":"unavailable"})");
    nats->pass();
    CHECK(health.report(CheckKind::Readiness).ok);
    nats->fail("gone");
    CHECK_FALSE(health.report(CheckKind::Readiness).ok);
    CHECK(health.report(CheckKind::Health).ok);
}

TEST_CASE("metrics are exposed in Prometheus' text format") {
    MetricsRegistry metrics;
    metrics.counter("requests_total", "Requests.", {{"code", "200"}}).add(3);
    metrics.counter("requests_total", "ignored", {{"code", "4\"\\\n"}}).add();
    metrics.gauge("temperature", "Now\nhere.").set(0.1);
    metrics.gauge_function("size", "Live.", [] { return 42.0; });
    auto& latency = metrics.histogram("latency_seconds", "Time.", {0.1, 1});
    latency.observe(0.05);
    latency.observe(0.1);
    latency.observe(5);
    CHECK(&metrics.counter("requests_total", "", {{"code", "200"}}) ==
          &metrics.counter("requests_total", "", {{"code", "200"}}));
    CHECK(metrics.text() ==
          "# HELP requests_total Requests.\n"
          "# TYPE requests_total counter\n"
          "requests_total{code=\"200\"} 3\n"
          "requests_total{code=\"4\\\"\\\\\\n\"} 1\n"
          "# HELP temperature Now\\nhere.\n"
          "# TYPE temperature gauge\n"
          "temperature 0.1\n"
          "# HELP size Live.\n"
          "# TYPE size gauge\n"
          "size 42\n"
          "# HELP latency_seconds Time.\n"
          "# TYPE latency_seconds histogram\n"
          "latency_seconds_bucket{le=\"0.1\"} 2\n"
          "latency_seconds_bucket{le=\"1\"} 2\n"
          "latency_seconds_bucket{le=\"+Inf\"} 3\n"
          "latency_seconds_sum 5.15\n"
          "latency_seconds_count 3\n");
}

}  // namespace harmony::runtime::daemon
