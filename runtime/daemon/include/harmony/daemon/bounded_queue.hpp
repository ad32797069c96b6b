// The only way two threads of a daemon hand work to each other.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace harmony::runtime::daemon {

// Thread-safe, first in first out, of a fixed capacity. A full queue refuses (try_push) or makes the producer
// wait (push); each refusal is counted. After close() nothing enters and what is inside can still be taken.
template <class T>
class BoundedQueue {
 public:
    explicit BoundedQueue(std::size_t capacity) : capacity_(capacity) {}

    // False: full (counted in refused()) or closed. Never blocks: for callbacks.
    [[nodiscard]] bool try_push(T item) {
        {
            const std::lock_guard lock(mutex_);
            if (closed_ || items_.size() >= capacity_) {
                if (!closed_) ++refused_;
                return false;
            }
            items_.push_back(std::move(item));
        }
        filled_.notify_one();
        return true;
    }

    // Waits for room. False: still full at the deadline (counted), or closed.
    [[nodiscard]] bool push(T item, std::chrono::milliseconds timeout) {
        {
            std::unique_lock lock(mutex_);
            const bool room =
                emptied_.wait_for(lock, timeout, [&] { return closed_ || items_.size() < capacity_; });
            if (closed_ || !room) {
                if (!closed_) ++refused_;
                return false;
            }
            items_.push_back(std::move(item));
        }
        filled_.notify_one();
        return true;
    }

    // Waits for an item. Nothing: none came within the timeout, or closed and drained.
    [[nodiscard]] std::optional<T> pop(std::chrono::milliseconds timeout) {
        std::optional<T> item;
        {
            std::unique_lock lock(mutex_);
            filled_.wait_for(lock, timeout, [&] { return closed_ || !items_.empty(); });
            if (items_.empty()) return std::nullopt;
            item.emplace(std::move(items_.front()));
            items_.pop_front();
        }
        emptied_.notify_one();
        return item;
    }

    void close() {
        {
            const std::lock_guard lock(mutex_);
            closed_ = true;
        }
        filled_.notify_all();
        emptied_.notify_all();
    }

    [[nodiscard]] bool closed() const {
        const std::lock_guard lock(mutex_);
        return closed_;
    }
    [[nodiscard]] std::size_t size() const {
        const std::lock_guard lock(mutex_);
        return items_.size();
    }
    [[nodiscard]] std::uint64_t refused() const {
        const std::lock_guard lock(mutex_);
        return refused_;
    }
    [[nodiscard]] std::size_t capacity() const { return capacity_; }

 private:
    const std::size_t capacity_;
    mutable std::mutex mutex_;
    std::condition_variable filled_;
    std::condition_variable emptied_;
    std::deque<T> items_;
    std::uint64_t refused_ = 0;
    bool closed_ = false;
};

}  // namespace harmony::runtime::daemon
