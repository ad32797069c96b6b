// What the device tells of its deployments, and what the broker has not heard of yet.
#include <catch2/catch.hpp>

#include "harmony/agent/state_book.hpp"
#include "manual_clock.hpp"
#include "temporary_directory.hpp"

namespace harmony::agent {

namespace {

const contracts::DeviceId kDevice = *contracts::DeviceId::parse("edge-1");

contracts::DeploymentName named(const std::string& name) {
    return *contracts::DeploymentName::parse(name);
}

void confirm_all(StateBook& book) {
    for (const StateBook::Write& write : book.unconfirmed())
        book.confirm(write);
}

}  // namespace

TEST_CASE("a deletion that the broker confirmed is told again after a reconnect: it may have lost it") {
    const testing::TemporaryDirectory directory;
    testing::ManualClock clock;
    StateBook book(directory.file("states.json"), kDevice, clock);
    REQUIRE(book.set(named("web"), {contracts::Phase::Running, std::nullopt, "0123456789abcdef", {}}));
    book.remove(named("web"));
    confirm_all(book);
    CHECK(book.unconfirmed().empty());

    book.reassert();
    REQUIRE(book.unconfirmed().size() == 1);
    CHECK(book.unconfirmed().front().deployment == named("web"));
    CHECK_FALSE(book.unconfirmed().front().state);

    confirm_all(book);
    REQUIRE(book.save());
    StateBook next_life(directory.file("states.json"), kDevice, clock);
    REQUIRE(next_life.load());
    CHECK(next_life.unconfirmed().size() == 1);
}

TEST_CASE(
    "a deployment that came back is not deleted again, and only the latest deletions are kept in mind") {
    const testing::TemporaryDirectory directory;
    testing::ManualClock clock;
    StateBook book(directory.file("states.json"), kDevice, clock);
    book.remove(named("web"));
    confirm_all(book);
    REQUIRE(book.set(named("web"), {contracts::Phase::Running, std::nullopt, "0123456789abcdef", {}}));
    for (std::size_t i = 0; i < StateBook::kRememberedRemovals + 5; ++i)
        book.remove(named("app-" + std::to_string(i)));
    confirm_all(book);
    book.reassert();
    CHECK(book.unconfirmed().size() == StateBook::kRememberedRemovals + 1);
    for (const StateBook::Write& write : book.unconfirmed())
        CHECK(write.state.has_value() == (write.deployment == named("web")));
}

}  // namespace harmony::agent
