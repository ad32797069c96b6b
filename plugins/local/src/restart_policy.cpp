#include "restart_policy.hpp"

#include <algorithm>
#include <cmath>

namespace harmony::local {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstProbeAfter{10};
constexpr milliseconds kSlowestProbe{500};
constexpr milliseconds kKillAgainAfter{1000};

bool has_process(Phase phase) {
    return phase == Phase::Starting || phase == Phase::Running || phase == Phase::Stopping;
}

// One transition at a time; the event functions below compose these.
class Transition {
 public:
    Transition(PolicyState state, const PolicyRules& rules, TimePoint now, double jitter)
        : state_(state), rules_(rules), now_(now), jitter_(jitter) {}

    void handle(Event event);
    PolicyStep take() { return {state_, std::move(actions_)}; }

 private:
    void launch() {
        enter(Phase::Starting);
        state_.probes = 0;
        actions_.push_back(Action::Launch);
    }

    void begin_proving() {
        enter(Phase::Starting);
        state_.probes = 0;
        if (rules_.probed) {
            actions_.push_back(Action::Probe);
        } else {
            state_.wake = now_ + kSettleTime;
        }
    }

    void become_ready() {
        enter(Phase::Running);
        const auto stable = std::chrono::duration<double>(rules_.restart.reset_after_s);
        state_.wake = now_ + std::chrono::duration_cast<TimePoint::duration>(stable);
        actions_.push_back(Action::AnnounceReady);
    }

    void begin_stopping(bool relaunch) {
        enter(Phase::Stopping);
        state_.relaunch = relaunch;
        state_.wake = now_ + rules_.grace;
        actions_.push_back(Action::CancelProbe);
        actions_.push_back(Action::SendStopSignal);
    }

    void back_off() {
        enter(Phase::BackingOff);
        ++state_.failures;
        ++state_.restarts;
        state_.wake = now_ + backoff_delay(rules_.restart, state_.failures, jitter_);
        actions_.push_back(Action::CancelProbe);
        actions_.push_back(Action::AnnounceExit);
    }

    void be_stopped() {
        enter(Phase::Stopped);
        state_.failures = 0;
        actions_.push_back(Action::AnnounceStopped);
    }

    void enter(Phase phase) {
        state_.phase = phase;
        state_.relaunch = false;
        state_.wake.reset();
    }

    void start() {
        if (state_.phase == Phase::Stopping) {
            state_.relaunch = true;
        } else if (!has_process(state_.phase)) {
            state_.failures = 0;
            launch();
        }
    }

    void stop() {
        if (state_.phase == Phase::Stopping) {
            state_.relaunch = false;
        } else if (has_process(state_.phase)) {
            begin_stopping(false);
        } else {
            be_stopped();
        }
    }

    void exited() {
        if (state_.phase != Phase::Stopping) return back_off();
        if (!state_.relaunch) return be_stopped();
        state_.failures = 0;
        launch();
    }

    void probe_failed() {
        if (state_.phase != Phase::Starting) return;
        const int doublings = std::min(state_.probes++, 8);
        state_.wake = now_ + std::min(kFirstProbeAfter * (1 << doublings), kSlowestProbe);
    }

    void timer();

    PolicyState state_;
    const PolicyRules& rules_;
    TimePoint now_;
    double jitter_;
    std::vector<Action> actions_;
};

void Transition::timer() {
    if (!state_.wake || now_ < *state_.wake) return;
    state_.wake.reset();
    switch (state_.phase) {
        case Phase::Stopped:
            break;
        case Phase::Starting:
            if (rules_.probed) {
                actions_.push_back(Action::Probe);
            } else {
                become_ready();
            }
            break;
        case Phase::Running:
            state_.failures = 0;
            break;
        case Phase::BackingOff:
            launch();
            break;
        case Phase::Stopping:
            state_.wake = now_ + kKillAgainAfter;
            actions_.push_back(Action::KillGroup);
            break;
    }
}

void Transition::handle(Event event) {
    switch (event) {
        case Event::Start:
            return start();
        case Event::Restart:
            return state_.phase == Phase::Starting || state_.phase == Phase::Running ? begin_stopping(true)
                                                                                     : start();
        case Event::Stop:
            return stop();
        case Event::Launched:
        case Event::Adopted:
            return begin_proving();
        case Event::LaunchFailed:
            return back_off();
        case Event::FoundDead:
            enter(Phase::BackingOff);
            state_.wake = now_ + kRevivalDelay;
            return;
        case Event::Reloaded:
            if (state_.phase == Phase::Starting || state_.phase == Phase::Running) begin_proving();
            return;
        case Event::ProbeSucceeded:
            if (state_.phase == Phase::Starting) become_ready();
            return;
        case Event::ProbeFailed:
            return probe_failed();
        case Event::Exited:
            return exited();
        case Event::Timer:
            return timer();
    }
}

}  // namespace

std::string_view to_string(Phase phase) {
    switch (phase) {
        case Phase::Stopped:
            return "stopped";
        case Phase::Starting:
            return "starting";
        case Phase::BackingOff:
            return "backing-off";
        case Phase::Running:
        case Phase::Stopping:
            return "running";
    }
    return "stopped";
}

milliseconds backoff_delay(const RestartRule& rule, int failures, double jitter) {
    const double doubled =
        static_cast<double>(rule.initial.count()) * std::exp2(std::clamp(failures - 1, 0, 40));
    const double capped = std::min(doubled, static_cast<double>(rule.max.count()));
    return milliseconds(
        std::max<long long>(1, std::llround(capped * (1 + 0.2 * std::clamp(jitter, -1.0, 1.0)))));
}

PolicyStep step(PolicyState state, const PolicyRules& rules, Event event, TimePoint now, double jitter) {
    Transition transition(state, rules, now, jitter);
    transition.handle(event);
    return transition.take();
}

}  // namespace harmony::local
