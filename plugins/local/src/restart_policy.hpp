// When a daemon is started, probed, stopped and started again: a function of state and event, without a
// process, a clock or a file. ManagedDaemon carries its actions out.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

#include "daemon_spec.hpp"

namespace harmony::local {

using TimePoint = std::chrono::steady_clock::time_point;

enum class Phase {
    Stopped,     // nothing runs and nothing is to run
    Starting,    // the process lives; it has not proved that it is ready
    Running,     // the process lives and has proved it
    BackingOff,  // it ended by itself; started again at `wake`
    Stopping,    // it was told to end; killed at `wake`
};
[[nodiscard]] std::string_view to_string(Phase phase);  // as in process-host/1; a stopping daemon runs

enum class Event {
    Start,           // it is wanted; also ends a back-off
    Restart,         // what runs is outdated: stop it, then start it
    Stop,            // it is not wanted any more
    Launched,        // answer to Action::Launch
    LaunchFailed,    // answer to Action::Launch
    Adopted,         // found alive by a new supervisor
    FoundDead,       // found dead by a new supervisor, though wanted
    Reloaded,        // it was sent its reload signal
    ProbeSucceeded,  // answers to Action::Probe
    ProbeFailed,
    Exited,  // the process ended
    Timer,   // `wake` has come
};

enum class Action {
    Launch,
    SendStopSignal,
    KillGroup,
    Probe,
    CancelProbe,
    AnnounceReady,
    AnnounceExit,
    AnnounceStopped
};

struct PolicyState {
    Phase phase = Phase::Stopped;
    bool relaunch = false;  // Stopping only: start again when it has ended
    int failures = 0;       // ends in a row without a stable time in between; the exponent of the back-off
    int restarts = 0;       // how often it ended by itself
    int probes = 0;         // failed ones since it was started
    std::optional<TimePoint> wake;
    bool operator==(const PolicyState&) const = default;
};

struct PolicyRules {
    RestartRule restart;
    std::chrono::milliseconds grace{10000};
    bool probed = false;  // false: it counts as ready once it has lived for kSettleTime
};

// Long enough for a program that refuses its configuration to be gone; short against a human's patience.
inline constexpr std::chrono::milliseconds kSettleTime{100};
// A dead daemon that a new supervisor finds is started after this time, so that a run that came to remove it
// can do so without starting it first.
inline constexpr std::chrono::milliseconds kRevivalDelay{500};

struct PolicyStep {
    PolicyState state;
    std::vector<Action> actions;
};

// jitter is uniform in [-1, 1]; it moves a back-off by up to a fifth.
[[nodiscard]] PolicyStep step(PolicyState state, const PolicyRules& rules, Event event, TimePoint now,
                              double jitter);

[[nodiscard]] std::chrono::milliseconds backoff_delay(const RestartRule& rule, int failures, double jitter);

}  // namespace harmony::local
