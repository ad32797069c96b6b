#include "scheduler.hpp"

#include <algorithm>

namespace harmony::simulation {

void Scheduler::at(Micros when, std::function<void()> event) {
    heap_.push_back({std::max(when, now_), next_++, std::move(event)});
    std::push_heap(heap_.begin(), heap_.end(), later);
}

bool Scheduler::step(Micros end) {
    if (heap_.empty() || heap_.front().when > end) {
        now_ = std::max(now_, end);
        return false;
    }
    std::pop_heap(heap_.begin(), heap_.end(), later);
    Entry entry = std::move(heap_.back());
    heap_.pop_back();
    now_ = entry.when;
    entry.event();
    return true;
}

}  // namespace harmony::simulation
