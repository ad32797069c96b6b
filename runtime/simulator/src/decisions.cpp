#include "harmony/simulator/decisions.hpp"

#include "harmony/contracts/canonical_json.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/simulator/random.hpp"

namespace harmony::simulator {

namespace {

// What a draw is about, so that no two decisions share one.
enum About : std::uint64_t { kLabel = 1, kRun, kFails, kReact, kHeartbeat, kResync, kLeaver, kAway };

constexpr double kResyncJitter = 0.2;

Microseconds spread(Microseconds base, double share, double u) {
    return Microseconds(
        static_cast<std::int64_t>(static_cast<double>(base.count()) * (1 - share + 2 * share * u)));
}

}  // namespace

contracts::Labels Decisions::labels(std::uint32_t device) const {
    contracts::Labels result;
    for (const auto& [key, pattern] : options_.labels) {
        result[key] = pattern.value(draw({options_.seed, kLabel, contracts::fnv1a64(key), device}), device);
    }
    return result;
}

Microseconds Decisions::run(std::uint32_t device, std::uint64_t deployment, std::uint64_t value) const {
    return options_.run.quantile(unit(draw({options_.seed, kRun, device, deployment, value})));
}

bool Decisions::fails(std::uint32_t device, std::uint64_t deployment, std::uint64_t value) const {
    return unit(draw({options_.seed, kFails, device, deployment, value})) < options_.failures;
}

Microseconds Decisions::react(std::uint32_t device, std::uint64_t deployment, std::uint64_t value) const {
    return options_.react.quantile(unit(draw({options_.seed, kReact, device, deployment, value})));
}

Microseconds Decisions::heartbeat_gap(std::uint32_t device, std::uint32_t beat) const {
    return spread(options_.heartbeat_interval, contracts::kHeartbeatJitter,
                  unit(draw({options_.seed, kHeartbeat, device, beat})));
}

Microseconds Decisions::resync_gap(std::uint32_t device, std::uint32_t round) const {
    return spread(options_.resync_interval, kResyncJitter,
                  unit(draw({options_.seed, kResync, device, round})));
}

std::uint32_t Decisions::leaver(std::uint64_t departure) const {
    return static_cast<std::uint32_t>(draw({options_.seed, kLeaver, departure}) % options_.devices);
}

Microseconds Decisions::away(std::uint64_t departure) const {
    return options_.away.quantile(unit(draw({options_.seed, kAway, departure})));
}

}  // namespace harmony::simulator
