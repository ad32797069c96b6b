#include "process.hpp"

#include <algorithm>
#include <cstdlib>

namespace harmony::simulation {

Process::Process(Scheduler& scheduler, std::function<void()> on_death)
    : scheduler_(scheduler),
      on_death_(std::move(on_death)),
      owner_(scheduler.join()),
      self_(std::make_shared<Process*>(this)) {}

Process::~Process() {
    on_death_ = nullptr;
    killed_ = true;
    bury();
    scheduler_.leave(owner_);
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
        scheduler_.after(
            0, [told = on_death_] { told(); }, owner_);
    }
}

Process::Ticket Process::ticket() {
    return current_->waiting_for = ++last_ticket_;
}

void Process::wait(Micros deadline) {
    const Ticket ticket = current_->waiting_for;
    scheduler_.at(
        deadline, [this, ticket] { resume_waiting(ticket); }, owner_);
    wait();
}

void Process::wait() {
    Fiber::suspend();
    if (killed_) throw Killed{};
}

void Process::wake(Ticket ticket) {
    scheduler_.after(
        0, [this, ticket] { resume_waiting(ticket); }, owner_);
}

void Process::resume_waiting(Ticket ticket) {
    for (const auto& thread : fibers_) {
        if (thread->waiting_for == ticket) return resume(std::shared_ptr(thread));
    }
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
