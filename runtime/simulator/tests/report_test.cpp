#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "harmony/simulator/figures.hpp"

using namespace harmony::simulator;

TEST_CASE("the live line says rates, the report totals and percentiles") {
    SimulatorOptions options;
    options.devices = 10;
    Figures before, now;
    before.hints = 100;
    now.hints = 300;
    now.online = 9;
    now.lag_us = 2500;
    now.error("no responders");
    now.error("no responders");
    now.hint_to_start.record(Microseconds(1000));
    CHECK(live_line(options, before, now, 12, 2) ==
          "12s online 9/10 hints 100/s gets 0/s states 0/s heartbeats 0/s lag 2ms errors 2");
    const auto report = nlohmann::json::parse(report_json(options, now, 12, 77));
    CHECK(report["simulation"]["devices"] == 10);
    CHECK(report["simulation"]["subscriptions"] == "per-device");
    CHECK(report["simulation"]["peak_memory_kib"] == 77);
    CHECK(report["counters"]["hints"] == 300);
    CHECK(report["latency_ms"]["hint_to_start"]["count"] == 1);
    CHECK(report["latency_ms"]["hint_to_start"]["max"] == 1.0);
    CHECK(report["server_errors"]["no responders"] == 2);
}

TEST_CASE("errors of ever new texts do not grow without end") {
    Figures figures;
    for (int i = 0; i < 1000; ++i)
        figures.error("text " + std::to_string(i));
    CHECK(figures.errors.size() <= 65);
    CHECK(figures.error_count() == 1000);
    CHECK(figures.errors.at("other") == 936);
}
