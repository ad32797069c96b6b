// What happens when, and what no longer happens.
#include "scheduler.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace harmony::simulation {

TEST_CASE("what is due at the same time happens in the order it was asked for") {
    Scheduler scheduler;
    std::string order;
    scheduler.at(kSecond, [&] { order += 'b'; });
    scheduler.at(kSecond, [&] { order += 'c'; });
    scheduler.at(0, [&] { order += 'a'; });
    while (scheduler.step(kMinute)) {
    }
    CHECK(order == "abc");
    CHECK(scheduler.now() == kMinute);
}

TEST_CASE("an event may ask for others, which take the place that it leaves") {
    Scheduler scheduler;
    int happened = 0;
    scheduler.at(0, [&] {
        for (int i = 0; i < 100; ++i)
            scheduler.after(i, [&] { ++happened; });
    });
    while (scheduler.step(kMinute)) {
    }
    CHECK(happened == 100);
}

TEST_CASE("the events of an owner that has left do not happen, those of others do") {
    Scheduler scheduler;
    const Scheduler::Owner gone = scheduler.join();
    const Scheduler::Owner stays = scheduler.join();
    std::string order;
    scheduler.after(
        1, [&] { order += 'g'; }, gone);
    scheduler.after(
        2, [&] { order += 's'; }, stays);
    scheduler.after(3, [&] { order += 'n'; });
    scheduler.leave(gone);
    while (scheduler.step(kMinute)) {
    }
    CHECK(order == "sn");
    CHECK(scheduler.join() != gone);
}

}  // namespace harmony::simulation
