// What waits to be written on one link. It lies in blocks, each given back to the system once it is written:
// a burst to a million devices leaves nothing behind.
//
// Not thread-safe.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

namespace harmony::simulator {

class WriteBuffer {
 public:
    // A block that has as much is closed. The system takes blocks of that size back at once where main() has
    // told malloc so.
    static constexpr std::size_t kBlockBytes = 64 * 1024;

    // Where to append; good until any other member is called.
    [[nodiscard]] std::string& tail();
    // What is to be written next; empty: nothing is.
    [[nodiscard]] std::string_view front() const;
    // That many bytes of front() are written.
    void take(std::size_t bytes);
    [[nodiscard]] std::size_t size() const;
    void clear();

 private:
    static constexpr std::size_t kKeptBytes = 4 * 1024;  // of an empty buffer, for a few heartbeats

    std::deque<std::string> blocks_;
    std::size_t closed_bytes_ = 0;  // of all blocks but the last
    std::size_t taken_ = 0;         // of the first
};

}  // namespace harmony::simulator
