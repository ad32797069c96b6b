#include "harmony/daemon/bounded_queue.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <thread>

namespace harmony::runtime::daemon {

using namespace std::chrono_literals;

TEST_CASE("a full queue refuses and counts, in order") {
    BoundedQueue<int> queue(2);
    CHECK(queue.try_push(1));
    CHECK(queue.try_push(2));
    CHECK_FALSE(queue.try_push(3));
    CHECK_FALSE(queue.push(3, 1ms));
    CHECK(queue.refused() == 2);
    CHECK(queue.pop(0ms) == 1);
    CHECK(queue.pop(0ms) == 2);
    CHECK_FALSE(queue.pop(1ms).has_value());
}

TEST_CASE("a closed queue takes nothing in and gives out the rest") {
    BoundedQueue<std::unique_ptr<int>> queue(2);
    CHECK(queue.try_push(std::make_unique<int>(7)));
    queue.close();
    CHECK_FALSE(queue.try_push(nullptr));
    CHECK(queue.refused() == 0);
    CHECK(**queue.pop(1s) == 7);
    CHECK_FALSE(queue.pop(1h).has_value());
}

TEST_CASE("producers wait for room and consumers for items") {
    BoundedQueue<int> queue(1);
    std::thread producer([&] {
        for (int i = 0; i < 1000; ++i) {
            if (!queue.push(i, 10s)) return;
        }
        queue.close();
    });
    int expected = 0;
    while (const auto item = queue.pop(10s)) {
        CHECK(*item == expected);
        ++expected;
    }
    producer.join();
    CHECK(expected == 1000);
}

}  // namespace harmony::runtime::daemon
