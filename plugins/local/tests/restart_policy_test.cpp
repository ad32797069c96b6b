#include "restart_policy.hpp"

#include <catch2/catch.hpp>

using namespace harmony::local;
using namespace std::chrono_literals;

namespace {

// Feeds events at chosen times and keeps the last actions.
struct Machine {
    PolicyRules rules;
    PolicyState state;
    TimePoint now{};
    std::vector<Action> actions;

    Machine() {
        rules.restart.initial = 200ms;
        rules.restart.max = 1000ms;
        rules.restart.reset_after_s = 60;
        rules.grace = 5s;
        rules.probed = true;
    }
    void feed(Event event, double jitter = 0) {
        auto next = step(state, rules, event, now, jitter);
        state = next.state;
        actions = next.actions;
    }
    void wake() {
        REQUIRE(state.wake);
        now = *state.wake;
        feed(Event::Timer);
    }
    void run() {
        feed(Event::Start);
        feed(Event::Launched);
        feed(Event::ProbeSucceeded);
        REQUIRE(state.phase == Phase::Running);
    }
};

using Actions = std::vector<Action>;

}  // namespace

TEST_CASE("a start launches, probes until the answer and announces") {
    Machine machine;
    machine.feed(Event::Start);
    CHECK(machine.actions == Actions{Action::Launch});
    machine.feed(Event::Launched);
    CHECK(machine.actions == Actions{Action::Probe});
    machine.feed(Event::ProbeFailed);
    CHECK(machine.actions.empty());
    machine.wake();
    CHECK(machine.actions == Actions{Action::Probe});
    machine.feed(Event::ProbeSucceeded);
    CHECK(machine.actions == Actions{Action::AnnounceReady});
    CHECK(machine.state.phase == Phase::Running);
}

TEST_CASE("failed probes come at growing distances up to half a second") {
    Machine machine;
    machine.feed(Event::Start);
    machine.feed(Event::Launched);
    TimePoint::duration last{0};
    for (int i = 0; i < 20; ++i) {
        machine.feed(Event::ProbeFailed);
        const auto distance = *machine.state.wake - machine.now;
        CHECK(distance >= last);
        CHECK(distance <= 500ms);
        last = distance;
        machine.wake();
    }
    CHECK(last == 500ms);
}

TEST_CASE("without a probe it is ready when it has lived for the settle time") {
    Machine machine;
    machine.rules.probed = false;
    machine.feed(Event::Start);
    machine.feed(Event::Launched);
    CHECK(machine.actions.empty());
    CHECK(machine.state.phase == Phase::Starting);
    machine.wake();
    CHECK(machine.actions == Actions{Action::AnnounceReady});
}

TEST_CASE("ends in a row back off exponentially up to the maximum") {
    Machine machine;
    machine.run();
    for (const auto expected : {200ms, 400ms, 800ms, 1000ms, 1000ms}) {
        machine.feed(Event::Exited);
        CHECK(machine.state.phase == Phase::BackingOff);
        CHECK(*machine.state.wake - machine.now == expected);
        machine.wake();
        CHECK(machine.actions == Actions{Action::Launch});
        machine.feed(Event::Launched);
    }
    CHECK(machine.state.restarts == 5);
}

TEST_CASE("jitter moves a back-off by at most a fifth and never to zero") {
    const RestartRule rule{200ms, 1000ms, 60};
    CHECK(backoff_delay(rule, 1, -1) == 160ms);
    CHECK(backoff_delay(rule, 1, 1) == 240ms);
    CHECK(backoff_delay(rule, 1000000, 1) == 1200ms);
    CHECK(backoff_delay({1ms, 1ms, 0}, 1, -1) == 1ms);
}

TEST_CASE("a stable time ends the memory of failures") {
    Machine machine;
    machine.run();
    machine.feed(Event::Exited);
    machine.wake();
    machine.feed(Event::Launched);
    machine.feed(Event::ProbeSucceeded);
    CHECK(machine.state.failures == 1);
    machine.wake();
    CHECK(machine.state.failures == 0);
    CHECK(machine.state.restarts == 1);
    machine.feed(Event::Exited);
    CHECK(*machine.state.wake - machine.now == 200ms);
}

TEST_CASE("a stop sends the signal, kills after the grace and again, and ends stopped") {
    Machine machine;
    machine.run();
    machine.feed(Event::Stop);
    CHECK(machine.actions == Actions{Action::CancelProbe, Action::SendStopSignal});
    CHECK(*machine.state.wake - machine.now == 5s);
    machine.wake();
    CHECK(machine.actions == Actions{Action::KillGroup});
    machine.wake();
    CHECK(machine.actions == Actions{Action::KillGroup});
    machine.feed(Event::Exited);
    CHECK(machine.state.phase == Phase::Stopped);
    CHECK(machine.actions == Actions{Action::AnnounceStopped});
    CHECK(machine.state.restarts == 0);
}

TEST_CASE("a restart starts again after the end and does not count as a failure") {
    Machine machine;
    machine.run();
    machine.feed(Event::Restart);
    machine.feed(Event::Exited);
    CHECK(machine.actions == Actions{Action::Launch});
    CHECK(machine.state.restarts == 0);
    CHECK(machine.state.failures == 0);
}

TEST_CASE("a stop overrides a restart in progress and a start overrides a stop in progress") {
    Machine machine;
    machine.run();
    machine.feed(Event::Restart);
    machine.feed(Event::Stop);
    machine.feed(Event::Exited);
    CHECK(machine.state.phase == Phase::Stopped);

    machine.run();
    machine.feed(Event::Stop);
    machine.feed(Event::Start);
    machine.feed(Event::Exited);
    CHECK(machine.state.phase == Phase::Starting);
}

TEST_CASE("a start ends a back-off at once and a stop ends it for good") {
    Machine machine;
    machine.run();
    machine.feed(Event::Exited);
    machine.feed(Event::Start);
    CHECK(machine.actions == Actions{Action::Launch});
    machine.feed(Event::LaunchFailed);
    CHECK(machine.state.phase == Phase::BackingOff);
    machine.feed(Event::Stop);
    CHECK(machine.state.phase == Phase::Stopped);
    CHECK_FALSE(machine.state.wake);
}

TEST_CASE("an adopted daemon is probed, a dead one is started after a moment") {
    Machine alive;
    alive.feed(Event::Adopted);
    CHECK(alive.actions == Actions{Action::Probe});
    Machine dead;
    dead.feed(Event::FoundDead);
    CHECK(dead.actions.empty());
    CHECK(*dead.state.wake - dead.now == kRevivalDelay);
    dead.wake();
    CHECK(dead.actions == Actions{Action::Launch});
    CHECK(dead.state.restarts == 0);
}

TEST_CASE("after a reload it has to prove itself again") {
    Machine machine;
    machine.run();
    machine.feed(Event::Reloaded);
    CHECK(machine.state.phase == Phase::Starting);
    CHECK(machine.actions == Actions{Action::Probe});
}

TEST_CASE("no order of events launches a second process while one lives") {
    constexpr Event kEvents[] = {Event::Start, Event::Restart,        Event::Stop,        Event::Reloaded,
                                 Event::Timer, Event::ProbeSucceeded, Event::ProbeFailed, Event::Exited};
    unsigned random = 12345;
    Machine machine;
    bool lives = false;
    for (int i = 0; i < 200000; ++i) {
        random = random * 1103515245u + 12345u;
        const Event event = kEvents[(random >> 16) % std::size(kEvents)];
        if (event == Event::Exited && !lives) continue;
        if (event == Event::Timer && machine.state.wake) machine.now = *machine.state.wake;
        if (event == Event::Exited) lives = false;
        machine.feed(event);
        for (const Action action : Actions(machine.actions)) {
            if (action != Action::Launch) continue;
            REQUIRE_FALSE(lives);
            lives = true;
            machine.feed(Event::Launched);
        }
        REQUIRE(lives == (machine.state.phase != Phase::Stopped && machine.state.phase != Phase::BackingOff));
    }
}
