#pragma once

#include <cstdint>
#include <harmony/plugin/contribution.hpp>
#include <memory>
#include <mutex>
#include <vector>

namespace harmony::plugin::detail {

// Instances by handle. A handle is the slot's number in the low half and the slot's generation in the high
// one, so that the handle of a destroyed instance never names the one that took its slot. Thread-safe.
class InstanceTable {
 public:
    // Never 0.
    std::uint64_t add(std::shared_ptr<Instance> instance);
    // Null for a handle that is stale or was never given out. The instance lives while the result is held.
    [[nodiscard]] std::shared_ptr<Instance> find(std::uint64_t handle) const;
    // False for such a handle.
    bool remove(std::uint64_t handle);

 private:
    struct Slot {
        std::uint32_t generation = 1;
        std::shared_ptr<Instance> instance;
    };

    [[nodiscard]] const Slot* slot_of(std::uint64_t handle) const;

    mutable std::mutex mutex_;
    std::vector<Slot> slots_;
};

}  // namespace harmony::plugin::detail
