// What happened, in order: a hash over everything, counts by kind, and the last events for people.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler.hpp"

namespace harmony::simulation {

enum class Happened {
    Started,
    Died,
    CrashPlanned,
    Connected,
    Disconnected,
    DesiredPut,
    DesiredDeleted,
    StateTold,
    InfoTold,
    Heartbeat,
    ContainerCreated,
    ContainerStarted,
    ContainerEnded,
    ContainerRemoved,
    PodmanFailed,
    PodmanDown,
    PodmanUp,
    Rebooted,
    DiskRefused,
    DiskTorn,
    WriteLost,
    LinkCut,
    LinkHealed,
    LinkPoor,
    BrokerDown,
    BrokerUp,
    BucketLost,
    WritesLost,
    ClockStepped,
    LabelsChanged,
    DeviceJoined,
    DeviceRetired,
    Applied,
    Acknowledged,
    Refused,
    Unanswered,
    StoreFailed,
    FaultsBegan,
    FaultsEnded,
    Converged,
    kCount
};
[[nodiscard]] std::string_view to_string(Happened what);

class History {
 public:
    // `verbose`: every event is printed as it happens.
    explicit History(const Scheduler& scheduler, bool verbose = false)
        : scheduler_(scheduler), verbose_(verbose) {}

    // Heartbeats count and are hashed, but take no place in the tail.
    void add(Happened what, std::string_view who, std::string_view detail = {});

    [[nodiscard]] std::uint64_t hash() const { return hash_; }
    // The last events, then how many there were of each kind.
    [[nodiscard]] std::string text() const;

 private:
    struct Line {
        Micros when = 0;
        Happened what = Happened::Started;
        std::string who;
        std::string detail;
    };
    [[nodiscard]] static std::string format(const Line& line);

    const Scheduler& scheduler_;
    bool verbose_;
    std::uint64_t hash_ = 0xcbf29ce484222325U;
    std::array<std::uint64_t, static_cast<std::size_t>(Happened::kCount)> counts_{};
    std::vector<Line> tail_;
    std::size_t next_ = 0;
};

}  // namespace harmony::simulation
