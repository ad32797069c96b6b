// A function with a stack of its own, that can stop in the middle and go on later: how code that blocks runs
// on virtual time without a thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace harmony::simulation {

class Fiber {
 public:
    // `body` must not let an exception out.
    explicit Fiber(std::function<void()> body);
    // Of one that has finished: a stack in use can't be thrown away.
    ~Fiber();
    Fiber(const Fiber&) = delete;
    Fiber& operator=(const Fiber&) = delete;

    // Runs it until it suspends or ends. Not from inside a fiber.
    void resume();
    [[nodiscard]] bool finished() const;

    // The one that runs on this thread; null outside of any.
    [[nodiscard]] static Fiber* current();
    // Back to whoever resumed the current one.
    static void suspend();

 private:
    struct Context;
    std::unique_ptr<Context> context_;
};

}  // namespace harmony::simulation
