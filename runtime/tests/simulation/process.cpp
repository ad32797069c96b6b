#include "process.hpp"

#include <algorithm>
#include <cstdlib>

namespace harmony::simulation {

Process::Process(Scheduler& scheduler, std::function<void()> on_death)
    : scheduler_(scheduler), on_death_(std::move(on_death)), self_(std::make_shared<Process*>(this)) {}

Process::~Process() {
    on_death_ = nullptr;
    killed_ = true;
    bury();
}

void Process::enter(const std::function<void()>& call) {
    if (killed_) return;
    try {
        call();
    } catch (const Killed&) {
        bury();
    }
}

void Process::later(Micros delay, std::function<void()> call) {
    scheduler_.after(delay, [self = std::weak_ptr<Process*>(self_), call = std::move(call)] {
        if (const auto process = self.lock()) (*process)->enter(call);
    });
}

void Process::spawn(std::function<void()> body) {
    auto thread = std::make_shared<Thread>();
    thread->fiber = std::make_unique<Fiber>([this, body = std::move(body)] {
        try {
            if (killed_) return;
            body();
        } catch (const Killed&) {
        }
    });
    fibers_.push_back(thread);
    thread->waiting_for = ++last_ticket_;
    wake(thread->waiting_for);
}

void Process::resume(const std::shared_ptr<Thread>& thread) {
    current_ = thread;
    thread->waiting_for = 0;
    thread->fiber->resume();
    current_ = nullptr;
    if (thread->fiber->finished()) std::erase(fibers_, thread);
    if (killed_) bury();
}

void Process::bury() {
    if (buried_) return;
    buried_ = true;
    // Each fiber that still waits somewhere is thrown out of there.
    while (!fibers_.empty()) {
        const std::shared_ptr<Thread> thread = fibers_.back();
        resume(thread);
        if (!thread->fiber->finished()) std::abort();
    }
    if (on_death_) {
        scheduler_.after(0, [self = std::weak_ptr<Process*>(self_), told = on_death_] {
            if (self.lock()) told();
        });
    }
}

Process::Ticket Process::ticket() {
    return current_->waiting_for = ++last_ticket_;
}

void Process::wait(Micros deadline) {
    const Ticket ticket = current_->waiting_for;
    scheduler_.at(deadline, [self = std::weak_ptr<Process*>(self_), ticket] {
        if (const auto process = self.lock()) {
            for (const auto& thread : (*process)->fibers_) {
                if (thread->waiting_for == ticket) return (*process)->resume(std::shared_ptr(thread));
            }
        }
    });
    Fiber::suspend();
    if (killed_) throw Killed{};
}

void Process::wake(Ticket ticket) {
    scheduler_.after(0, [self = std::weak_ptr<Process*>(self_), ticket] {
        if (const auto process = self.lock()) {
            for (const auto& thread : (*process)->fibers_) {
                if (thread->waiting_for == ticket) return (*process)->resume(std::shared_ptr(thread));
            }
        }
    });
}

void Process::block(Micros duration) {
    (void)ticket();
    wait(scheduler_.now() + duration);
}

void Process::crash_point() {
    if (killed_) throw Killed{};
    if (points_left_ == 0 || --points_left_ > 0) return;
    die();
}

void Process::die() {
    killed_ = true;
    throw Killed{};
}

void Process::kill() {
    if (killed_) return;
    killed_ = true;
    bury();
}

}  // namespace harmony::simulation
