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

class Scheduler {
 public:
    [[nodiscard]] Micros now() const { return now_; }
    // What is due at the same time happens in the order it was asked for.
    void at(Micros when, std::function<void()> event);
    void after(Micros delay, std::function<void()> event) { at(now_ + delay, std::move(event)); }
    // The next event; false where there is none before `end`, which is then the time.
    bool step(Micros end);
    [[nodiscard]] std::uint64_t events() const { return next_; }
    [[nodiscard]] std::size_t waiting() const { return heap_.size(); }

 private:
    struct Entry {
        Micros when;
        std::uint64_t number;
        std::function<void()> event;
    };
    static bool later(const Entry& a, const Entry& b) {
        return a.when != b.when ? a.when > b.when : a.number > b.number;
    }

    Micros now_ = 0;
    std::uint64_t next_ = 0;
    std::vector<Entry> heap_;
};

}  // namespace harmony::simulation
