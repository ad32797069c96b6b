#include "printed_values.hpp"

#include <catch2/catch.hpp>

using namespace harmony::fleet;
using harmony::contracts::Timestamp;

TEST_CASE("an age has one unit") {
    const auto now = Timestamp::from_microseconds(1'000'000'000'000);
    const auto ago = [&](std::int64_t seconds) {
        return age_text(Timestamp::from_microseconds(now.microseconds() - seconds * 1'000'000), now);
    };
    CHECK(ago(0) == "0s");
    CHECK(ago(119) == "119s");
    CHECK(ago(120) == "2m");
    CHECK(ago(3 * 3600) == "3h");
    CHECK(ago(4 * 24 * 3600) == "4d");
    CHECK(ago(-5) == "0s");
    CHECK(age_text(std::nullopt, now) == "-");
}

TEST_CASE("labels are shown in the order of their keys") {
    CHECK(labels_text({{"site", "north"}, {"arch", "arm64"}}) == "arch=arm64,site=north");
    CHECK(labels_text({}) == "-");
}

TEST_CASE("a long text is one line, cut at a character's boundary") {
    CHECK(one_line("a\nb", 10) == "a b");
    CHECK(one_line("aä", 2) == "a...");
    CHECK(one_line("aä", 3) == "aä");
}
