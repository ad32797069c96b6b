// One run at a time in a context. The kernel releases the lock when its holder dies.
#pragma once

#include <string>

#include "host/output/problem.hpp"

namespace harmony::host {

class ContextLock {
 public:
    // Makes the context's state folder (0700) and takes its lock without waiting.
    // Code run.locked says who holds it.
    [[nodiscard]] static Outcome<ContextLock> acquire(const std::string& state_folder,
                                                      const std::string& what);

    // Whether a run holds it now. Leaves no trace.
    [[nodiscard]] static bool held(const std::string& state_folder);

    ContextLock(ContextLock&& other) noexcept;
    ContextLock& operator=(ContextLock&&) = delete;
    ContextLock(const ContextLock&) = delete;
    ContextLock& operator=(const ContextLock&) = delete;
    ~ContextLock();

 private:
    explicit ContextLock(int fd) : fd_(fd) {}
    int fd_;
};

}  // namespace harmony::host
