// What the devices tell, decoded: entries of the buckets device-info, device-state and device-heartbeat
// become facts.
//
// One bad key is logged once, counted and left alone; it never stops the others.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "harmony/contracts/device_info.hpp"
#include "harmony/daemon/metrics.hpp"
#include "harmony/nats/entry.hpp"
#include "harmony/operator/events.hpp"
#include "harmony/operator/ignored_entries.hpp"

namespace harmony::op {

enum class Source { DeviceInfo, DeviceState, DeviceHeartbeat };

struct SourceEvents {
    std::function<void(contracts::DeviceInfo)> on_info;
    std::function<void(Event)> on_event;      // reports; may block: the bucket then waits
    std::function<void(Event)> on_heartbeat;  // must not block: a lost one is made good by the next
    std::function<void(Source)> on_caught_up;
    std::function<void()> on_trouble;                            // a bucket may be missing
    std::function<void(IgnoredChange)> on_ignored{};             // may be left out
    std::function<void(contracts::DeviceId)> on_info_deleted{};  // may be left out
};

// Each source is told by one thread, in its bucket's order; different sources may be told at the same time.
class ReportDecoder {
 public:
    // The metrics must outlive it.
    ReportDecoder(runtime::daemon::MetricsRegistry& metrics, SourceEvents events);

    void replay_began(Source source);
    void take(Source source, const runtime::nats::Entry& entry, contracts::Timestamp now);
    void caught_up(Source source);
    void trouble(const Error& error);

 private:
    [[nodiscard]] Result<void> take_info(const runtime::nats::Entry& entry);
    [[nodiscard]] Result<void> take_state(const runtime::nats::Entry& entry);
    [[nodiscard]] Result<void> take_heartbeat(const runtime::nats::Entry& entry, contracts::Timestamp now);

    // Of one source; only its thread uses it.
    struct Ignored {
        std::map<std::string, std::string> problems;  // by key; at most IgnoredEntries::kMost
        std::set<std::string> unrepeated;             // of these, those that the replay has not told again
    };
    void ignore(Source source, const std::string& key, const std::string& problem);
    void accept(Source source, const std::string& key);
    void tell(Source source, const std::string& key, const std::string& problem);

    const SourceEvents events_;
    std::array<Ignored, 3> ignored_;
    std::array<runtime::daemon::Counter*, 3> malformed_{};
    bool replaying_ = true;  // of the heartbeats; only their thread uses it
};

}  // namespace harmony::op
