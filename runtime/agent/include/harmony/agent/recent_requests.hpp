// The requests of the last while, so that none is carried out twice.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <set>
#include <string>

#include "harmony/agent/clock.hpp"

namespace harmony::agent {

// Not thread-safe.
class RecentRequests {
 public:
    RecentRequests(std::chrono::seconds remembered, std::size_t max_requests)
        : remembered_(remembered), max_requests_(max_requests) {}

    // False: it was here before. Where more come than there is room for, the oldest is forgotten early.
    [[nodiscard]] bool is_new(const std::string& request_id, SteadyTime now) {
        while (!order_.empty() && order_.front().second + remembered_ <= now)
            forget_oldest();
        if (!known_.insert(request_id).second) return false;
        order_.emplace_back(request_id, now);
        if (order_.size() > max_requests_) forget_oldest();
        return true;
    }

 private:
    void forget_oldest() {
        known_.erase(order_.front().first);
        order_.pop_front();
    }

    const std::chrono::seconds remembered_;
    const std::size_t max_requests_;
    std::set<std::string> known_;
    std::deque<std::pair<std::string, SteadyTime>> order_;
};

}  // namespace harmony::agent
