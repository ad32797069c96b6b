// What a simulation has done and seen, as a live line and as a report.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "harmony/simulator/latency_histogram.hpp"
#include "harmony/simulator/options.hpp"

namespace harmony::simulator {

struct Figures {
    std::uint64_t online = 0;  // now; all others are totals
    std::uint64_t joins = 0;
    std::uint64_t leaves = 0;
    std::uint64_t infos = 0;
    std::uint64_t heartbeats = 0;
    std::uint64_t hints = 0;
    std::uint64_t gets = 0;
    std::uint64_t states = 0;
    std::uint64_t withdrawals = 0;
    std::uint64_t running = 0;  // states that said Running
    std::uint64_t failed = 0;   // states that said Failed
    std::uint64_t confirmations = 0;
    std::uint64_t repeats = 0;  // requests made again because no answer came
    std::uint64_t commands = 0;
    std::uint64_t malformed = 0;  // keys and values that break the contract
    std::uint64_t connects = 0;
    std::uint64_t disconnects = 0;
    std::map<std::string, std::uint64_t> errors;  // what the server or its streams refused, by text
    std::int64_t lag_us = 0;                      // how late the last due timer was served
    LatencyHistogram hint_to_start;               // hint received to Pending published
    LatencyHistogram hint_to_settled;             // hint received to Running or Failed published
    LatencyHistogram get_round_trip;
    LatencyHistogram write_confirmed;  // info or state published to the stream's confirmation

    // At most 64 different texts; what comes later counts as "other".
    void error(const std::string& text);
    [[nodiscard]] std::uint64_t error_count() const;
};

// "12s online 9998/10000 hints 120/s gets 240/s states 240/s heartbeats 333/s lag 2ms errors 0"
[[nodiscard]] std::string live_line(const SimulatorOptions& options, const Figures& before,
                                    const Figures& now, double elapsed_s, double interval_s);
// JSON, one document with a line feed.
[[nodiscard]] std::string report_json(const SimulatorOptions& options, const Figures& figures,
                                      double elapsed_s, std::int64_t peak_memory_kib);

}  // namespace harmony::simulator
