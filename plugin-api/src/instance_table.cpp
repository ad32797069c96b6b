#include "instance_table.hpp"

#include <algorithm>

namespace harmony::plugin::detail {

std::uint64_t InstanceTable::add(std::shared_ptr<Instance> instance) {
    std::lock_guard lock(mutex_);
    auto free = std::find_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return !slot.instance; });
    if (free == slots_.end()) free = slots_.emplace(slots_.end());
    free->instance = std::move(instance);
    const auto number = static_cast<std::uint64_t>(free - slots_.begin());
    return (std::uint64_t{free->generation} << 32) | number;
}

const InstanceTable::Slot* InstanceTable::slot_of(std::uint64_t handle) const {
    const std::uint64_t number = handle & 0xffffffffU;
    if (number >= slots_.size()) return nullptr;
    const Slot& slot = slots_[number];
    return slot.instance && slot.generation == handle >> 32 ? &slot : nullptr;
}

std::shared_ptr<Instance> InstanceTable::find(std::uint64_t handle) const {
    std::lock_guard lock(mutex_);
    const Slot* slot = slot_of(handle);
    return slot != nullptr ? slot->instance : nullptr;
}

bool InstanceTable::remove(std::uint64_t handle) {
    std::shared_ptr<Instance> ended;  // its destructor runs after the lock is given back
    std::lock_guard lock(mutex_);
    const Slot* found = slot_of(handle);
    if (found == nullptr) return false;
    Slot& slot = slots_[static_cast<std::size_t>(found - slots_.data())];
    ended = std::move(slot.instance);
    slot.instance = nullptr;
    if (++slot.generation == 0) slot.generation = 1;
    return true;
}

}  // namespace harmony::plugin::detail
