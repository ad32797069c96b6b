#include <catch2/catch.hpp>
#include <map>

#include "harmony/simulator/duration_distribution.hpp"
#include "harmony/simulator/label_pattern.hpp"
#include "harmony/simulator/latency_histogram.hpp"
#include "harmony/simulator/random.hpp"

using namespace harmony::simulator;
using namespace std::chrono_literals;

TEST_CASE("durations are read with their units and refused without") {
    CHECK(parse_duration("250ms").value() == 250ms);
    CHECK(parse_duration("1.5s").value() == 1500ms);
    CHECK(parse_duration("2m").value() == 2min);
    CHECK(parse_duration("0").value() == 0ms);
    for (const char* wrong : {"", "5", "s", "-1s", "25h", "1 s", "nans", "1e9h"}) {
        INFO(wrong);
        CHECK_FALSE(parse_duration(wrong));
    }
}

TEST_CASE("a distribution is a value, a range or a lognormal one") {
    CHECK(DurationDistribution::parse("20ms").value().quantile(0.9) == 20ms);
    const auto range = DurationDistribution::parse("10ms..30ms").value();
    CHECK(range.quantile(0) == 10ms);
    CHECK(range.quantile(0.5) == 20ms);
    const auto lognormal = DurationDistribution::parse("lognormal:200ms:2s").value();
    CHECK(std::chrono::abs(lognormal.quantile(0.5) - 200ms) < 1ms);
    CHECK(std::chrono::abs(lognormal.quantile(0.99) - 2s) < 10ms);
    for (const char* wrong :
         {"30ms..10ms", "lognormal:200ms", "lognormal:0:1s", "lognormal:2s:1s", "..", "1s..x"}) {
        INFO(wrong);
        CHECK_FALSE(DurationDistribution::parse(wrong));
    }
}

TEST_CASE("labels come as often as their weights say") {
    const auto tiers = LabelPattern::parse("gold*1,silver*9").value();
    const auto sites = LabelPattern::parse("s{0..99}").value();
    std::map<std::string, int> tier, site;
    for (std::uint32_t device = 0; device < 10'000; ++device) {
        ++tier[tiers.value(draw({1, device}), device)];
        ++site[sites.value(draw({1, device}), device)];
    }
    CHECK(tier["gold"] > 850);
    CHECK(tier["gold"] < 1150);
    CHECK(tier["gold"] + tier["silver"] == 10'000);
    CHECK(site.size() == 100);
    for (const auto& [name, count] : site) {
        INFO(name);
        CHECK(count > 50);
    }
    CHECK(LabelPattern::parse("unit-{n}").value().value(5, 42) == "unit-42");
}

TEST_CASE("patterns that cannot be label values are refused") {
    for (const char* wrong :
         {"a*0", "a*x", "s{9..1}", "s{1", "s{x}", "a b", "-{n}-", "a,,b c", "{0..99999999999}"}) {
        INFO(wrong);
        CHECK_FALSE(LabelPattern::parse(wrong));
    }
}

TEST_CASE("percentiles are within two per cent of what was recorded") {
    LatencyHistogram histogram;
    CHECK(histogram.percentile(0.5) == 0ms);
    for (int i = 1; i <= 100'000; ++i)
        histogram.record(Microseconds(i));
    const auto p50 = static_cast<double>(histogram.percentile(0.5).count());
    const auto p99 = static_cast<double>(histogram.percentile(0.99).count());
    CHECK(p50 == Approx(50'000).epsilon(0.02));
    CHECK(p99 == Approx(99'000).epsilon(0.02));
    CHECK(histogram.max() == 100ms);
    CHECK(histogram.count() == 100'000);
    histogram.record(Microseconds(INT64_MAX));
    CHECK(histogram.percentile(1).count() > 0);
}
