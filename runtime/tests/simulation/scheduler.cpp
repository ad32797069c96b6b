#include "scheduler.hpp"

#include <algorithm>
#include <utility>

namespace harmony::simulation {

Scheduler::Owner Scheduler::join() {
    present_.push_back(true);
    return static_cast<Owner>(present_.size() - 1);
}

std::size_t Scheduler::place_for_event() {
    if (free_.empty()) {
        events_.emplace_back();
        return events_.size() - 1;
    }
    const std::size_t place = free_.back();
    free_.pop_back();
    return place;
}

void Scheduler::at(Micros when, std::function<void()> event, Owner owner) {
    const std::size_t place = place_for_event();
    events_[place] = {std::move(event), owner};
    heap_.push_back({std::max(when, now_), next_++, place});
    std::push_heap(heap_.begin(), heap_.end(), Later());
}

bool Scheduler::step(Micros end) {
    if (heap_.empty() || heap_.front().when > end) {
        now_ = std::max(now_, end);
        return false;
    }
    std::pop_heap(heap_.begin(), heap_.end(), Later());
    const Entry entry = heap_.back();
    heap_.pop_back();
    now_ = entry.when;
    const Event event = std::move(events_[entry.event]);
    free_.push_back(entry.event);
    if (present_[event.owner]) event.happen();
    return true;
}

}  // namespace harmony::simulation
