// One life of a daemon: its fibers, and its death at any step.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fiber.hpp"
#include "scheduler.hpp"

namespace harmony::simulation {

// Thrown where a process dies. Not a std::exception, so that nothing in the code under test catches it.
struct Killed {};

class Process {
 public:
    // `on_death` is called once, from the scheduler, when no code of the process runs any more.
    Process(Scheduler& scheduler, std::function<void()> on_death);
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    // Calls into the process from the scheduler; nothing where it is dead.
    template <class Call>
    void enter(Call&& call) {
        if (killed_) return;
        try {
            call();
        } catch (const Killed&) {
            bury();
        }
    }
    // The same later; the event does nothing once the process is dead or gone.
    template <class Call>
    void later(Micros delay, Call call) {
        scheduler_.after(
            delay, [this, call = std::move(call)]() mutable { enter(call); }, owner_);
    }
    // A thread of the process: begins at once, as an event of its own.
    void spawn(std::function<void()> body);

    // From inside a fiber of the process:
    void block(Micros duration);
    // Until wake() is called with the same ticket, or the deadline where one is given.
    using Ticket = std::uint64_t;
    [[nodiscard]] Ticket ticket();
    void wait(Micros deadline);
    void wait();
    void wake(Ticket ticket);

    // From inside the process: dies here where its time has come.
    void crash_point();
    // Dies at the n-th crash point from now (1: the next).
    void crash_after(int points) { points_left_ = points; }
    // From inside: ends itself.
    [[noreturn]] void die();
    // From outside.
    void kill();

    // For others that may outlive the process.
    [[nodiscard]] std::weak_ptr<Process*> handle() const { return self_; }
    [[nodiscard]] bool alive() const { return !killed_; }
    [[nodiscard]] std::size_t fibers() const { return fibers_.size(); }

 private:
    struct Thread {
        std::unique_ptr<Fiber> fiber;
        std::uint64_t waiting_for = 0;
    };
    void resume(const std::shared_ptr<Thread>& thread);
    void resume_waiting(Ticket ticket);
    void bury();

    Scheduler& scheduler_;
    std::function<void()> on_death_;
    Scheduler::Owner owner_;
    // Held weakly by whoever may outlive it.
    std::shared_ptr<Process*> self_;
    std::vector<std::shared_ptr<Thread>> fibers_;
    std::shared_ptr<Thread> current_;
    std::uint64_t last_ticket_ = 0;
    int points_left_ = 0;
    bool killed_ = false;
    bool buried_ = false;
};

}  // namespace harmony::simulation
