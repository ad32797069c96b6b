#include "harmony/simulator/figures.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace harmony::simulator {

namespace {

constexpr std::size_t kMaxErrorTexts = 64;

nlohmann::json latency(const LatencyHistogram& histogram) {
    const auto ms = [](Microseconds value) { return static_cast<double>(value.count()) / 1000; };
    return {{"count", histogram.count()},
            {"p50", ms(histogram.percentile(0.50))},
            {"p90", ms(histogram.percentile(0.90))},
            {"p99", ms(histogram.percentile(0.99))},
            {"max", ms(histogram.max())}};
}

}  // namespace

void Figures::error(const std::string& text) {
    const bool room = errors.size() < kMaxErrorTexts || errors.contains(text);
    ++errors[room ? text : "other"];
}

std::uint64_t Figures::error_count() const {
    std::uint64_t total = 0;
    for (const auto& [text, count] : errors)
        total += count;
    return total;
}

std::string live_line(const SimulatorOptions& options, const Figures& before, const Figures& now,
                      double elapsed_s, double interval_s) {
    const auto rate = [&](std::uint64_t Figures::*member) {
        return std::llround(static_cast<double>(now.*member - before.*member) / interval_s);
    };
    std::array<char, 256> line{};
    const int length = std::snprintf(line.data(), line.size(),
                                     "%.0fs online %llu/%u hints %lld/s gets %lld/s states %lld/s heartbeats "
                                     "%lld/s lag %lldms errors %llu",
                                     elapsed_s, static_cast<unsigned long long>(now.online), options.devices,
                                     rate(&Figures::hints), rate(&Figures::gets), rate(&Figures::states),
                                     rate(&Figures::heartbeats), static_cast<long long>(now.lag_us / 1000),
                                     static_cast<unsigned long long>(now.error_count()));
    return {line.data(), static_cast<std::size_t>(length)};
}

std::string report_json(const SimulatorOptions& options, const Figures& figures, double elapsed_s,
                        std::int64_t peak_memory_kib) {
    const nlohmann::json report = {
        {"simulation",
         {{"devices", options.devices},
          {"prefix", options.prefix},
          {"connections", options.connections},
          {"subscriptions", options.subscriptions == Subscriptions::PerDevice ? "per-device" : "shared"},
          {"seed", options.seed},
          {"elapsed_s", elapsed_s},
          {"peak_memory_kib", peak_memory_kib}}},
        {"counters",
         {{"online", figures.online},
          {"joins", figures.joins},
          {"leaves", figures.leaves},
          {"infos", figures.infos},
          {"heartbeats", figures.heartbeats},
          {"hints", figures.hints},
          {"gets", figures.gets},
          {"states", figures.states},
          {"running", figures.running},
          {"failed", figures.failed},
          {"withdrawals", figures.withdrawals},
          {"confirmations", figures.confirmations},
          {"repeats", figures.repeats},
          {"commands", figures.commands},
          {"malformed", figures.malformed},
          {"connects", figures.connects},
          {"disconnects", figures.disconnects}}},
        {"latency_ms",
         {{"hint_to_start", latency(figures.hint_to_start)},
          {"hint_to_settled", latency(figures.hint_to_settled)},
          {"get_round_trip", latency(figures.get_round_trip)},
          {"write_confirmed", latency(figures.write_confirmed)}}},
        {"server_errors", figures.errors},
    };
    return report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace harmony::simulator
