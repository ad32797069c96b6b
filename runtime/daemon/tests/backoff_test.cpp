#include "harmony/daemon/backoff.hpp"

#include <catch2/catch.hpp>

namespace harmony::runtime::daemon {

using std::chrono::milliseconds;

TEST_CASE("a back-off doubles up to its cap and starts again after a reset") {
    Backoff backoff({.first = milliseconds{100}, .max = milliseconds{700}, .jitter = 0}, 1);
    CHECK(backoff.next() == milliseconds{100});
    CHECK(backoff.next() == milliseconds{200});
    CHECK(backoff.next() == milliseconds{400});
    CHECK(backoff.next() == milliseconds{700});
    for (int i = 0; i < 10'000; ++i)
        CHECK(backoff.next() == milliseconds{700});
    backoff.reset();
    CHECK(backoff.next() == milliseconds{100});
}

TEST_CASE("jitter stays within its bounds and differs between two loops") {
    const BackoffPolicy policy{.first = milliseconds{1000}, .max = milliseconds{1000}, .jitter = 0.5};
    Backoff one(policy, 1);
    Backoff two(policy, 2);
    bool differ = false;
    for (int i = 0; i < 100; ++i) {
        const auto a = one.next();
        differ = differ || a != two.next();
        CHECK(a >= milliseconds{500});
        CHECK(a <= milliseconds{1000});
        const auto period = jittered(milliseconds{1000}, 0.1);
        CHECK(period >= milliseconds{899});
        CHECK(period <= milliseconds{1101});
    }
    CHECK(differ);
}

}  // namespace harmony::runtime::daemon
