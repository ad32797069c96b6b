// Whether the daemon lives and whether it can do its work.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "harmony/result.hpp"

namespace harmony::runtime::daemon {

// Health: a failed check means the process is stuck and should be restarted. Readiness: a failed check means
// it waits for something outside (NATS, podman) and a restart would not help.
enum class CheckKind { Health, Readiness };

struct HealthReport {
    bool ok = true;
    std::string json;  // {"checks":{"nats":{"ok":false,"reason":"..."}},"status":"unavailable"}
};

// Thread-safe.
class HealthRegistry {
 public:
    // Evaluated at each request, on the server's thread: reads a flag, never waits. Replaces one of that
    // name.
    using Check = std::function<Result<void>()>;
    void add(CheckKind kind, std::string name, Check check);

    // A flag to set from any thread, for states that change by events. Starts failed with this reason.
    class Flag {
     public:
        explicit Flag(std::string reason) : reason_(std::move(reason)) {}
        void pass();
        void fail(std::string reason);
        [[nodiscard]] Result<void> state() const;

     private:
        mutable std::mutex mutex_;
        bool ok_ = false;
        std::string reason_;
    };
    [[nodiscard]] std::shared_ptr<Flag> add_flag(CheckKind kind, std::string name, std::string reason);

    [[nodiscard]] HealthReport report(CheckKind kind) const;

 private:
    mutable std::mutex mutex_;
    std::map<std::string, Check> health_;
    std::map<std::string, Check> readiness_;
};

}  // namespace harmony::runtime::daemon
