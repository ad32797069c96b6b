// Virtual time: what happens next, and when.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace harmony::simulation {

// Since the world began.
using Micros = std::int64_t;
inline constexpr Micros kMillisecond = 1'000;
inline constexpr Micros kSecond = 1'000'000;
inline constexpr Micros kMinute = 60 * kSecond;
inline constexpr Micros kHour = 60 * kMinute;
// What a clock that is right shows then: 2026-01-01T00:00:00Z.
inline constexpr std::int64_t kWorldBegins = 1'767'225'600'000'000;

class Scheduler {
 public:
    // Whose events no longer happen once it has left. None is used again.
    using Owner = std::uint32_t;
    static constexpr Owner kNobody = 0;
    [[nodiscard]] Owner join();
    void leave(Owner owner) { present_[owner] = false; }

    [[nodiscard]] Micros now() const { return now_; }
    // What is due at the same time happens in the order it was asked for.
    void at(Micros when, std::function<void()> event, Owner owner = kNobody);
    void after(Micros delay, std::function<void()> event, Owner owner = kNobody) {
        at(now_ + delay, std::move(event), owner);
    }
    // The next event; false where there is none before `end`, which is then the time.
    bool step(Micros end);
    [[nodiscard]] std::uint64_t events() const { return next_; }
    [[nodiscard]] std::size_t waiting() const { return heap_.size(); }

 private:
    struct Event {
        std::function<void()> happen;
        Owner owner = kNobody;
    };
    // Small, because a heap moves its entries about.
    struct Entry {
        Micros when;
        std::uint64_t number;
        std::size_t event;  // in events_
    };
    struct Later {
        bool operator()(const Entry& a, const Entry& b) const {
            return a.when != b.when ? a.when > b.when : a.number > b.number;
        }
    };
    [[nodiscard]] std::size_t place_for_event();

    Micros now_ = 0;
    std::uint64_t next_ = 0;
    std::vector<Entry> heap_;
    std::vector<Event> events_;
    std::vector<std::size_t> free_;  // of events_
    std::vector<bool> present_{true};
};

}  // namespace harmony::simulation
