// Operators that share a store, which cannot always be read.
#include "harmony/operator/store_keeper.hpp"

#include <catch2/catch.hpp>

#include "fleet_builders.hpp"
#include "store.hpp"

namespace harmony::simulation {
namespace {

using op::testing::at;
using op::testing::deployment;
using op::testing::selector;

contracts::DeviceInfo device_info(const std::string& id) {
    contracts::DeviceInfo made;
    made.device_id = op::testing::device_id(id);
    return made;
}

struct Sharer {
    explicit Sharer(StoreFile& file)
        : keeper(file.open(nullptr, nullptr, nullptr, nullptr), reducer, "fleet", health) {
        REQUIRE(keeper.restore(at(1000)).has_value());
    }
    void apply(const contracts::Deployment& resource) {
        contracts::ApplyRequest request;
        request.deployment = resource;
        REQUIRE(keeper.apply(request, "", at(1000)).has_value());
    }

    void know(const std::string& device, contracts::Timestamp now) {
        keeper.take_device(device_info(device), now);
        keeper.store_devices(now);
    }
    void forget(const std::string& device) {
        REQUIRE(keeper.delete_device(op::testing::device_id(device), "reply", at(1001)).has_value());
    }
    // What is answered once every write has arrived.
    std::vector<op::LateReply> release(contracts::Timestamp now) {
        op::testing::FakeBucket bucket;
        bucket.snapshot_to(reducer, now);
        REQUIRE(bucket.settle(reducer, now));
        return keeper.release_devices(now);
    }

    [[nodiscard]] bool ready() const { return health.report(runtime::daemon::CheckKind::Readiness).ok; }

    op::Reducer reducer{op::ReducerOptions{}};
    runtime::daemon::HealthRegistry health;
    op::StoreKeeper keeper;
};

}  // namespace

TEST_CASE("what another operator has stored is adopted once it can be read") {
    StoreFile file;
    Sharer one(file);
    Sharer other(file);
    other.apply(deployment("web", selector({}), "img:1"));
    other.know("a", at(1000));

    file.refuse_reads(true);
    one.keeper.adopt(at(1001));
    one.keeper.adopt(at(1003));
    CHECK(one.reducer.deployments().empty());
    CHECK_FALSE(one.ready());
    CHECK_FALSE(one.keeper.complete());

    // Nobody stores anything new meanwhile.
    file.refuse_reads(false);
    one.keeper.adopt(at(1005));
    CHECK(one.reducer.deployments() == other.reducer.deployments());
    CHECK(one.reducer.devices() == other.reducer.devices());
    CHECK(one.reducer.devices().size() == 1);
    CHECK(one.ready());
    CHECK(one.keeper.complete());
}

TEST_CASE("a device that another operator has forgotten is forgotten once the store can be read") {
    StoreFile file;
    Sharer other(file);
    other.know("a", at(1000));
    Sharer one(file);
    REQUIRE(one.reducer.devices().size() == 1);
    other.forget("a");
    REQUIRE(other.release(at(1001)).size() == 1);

    file.refuse_reads(true);
    one.keeper.adopt(at(1001));
    CHECK(one.reducer.devices().size() == 1);
    file.refuse_reads(false);
    one.keeper.adopt(at(1003));
    CHECK(one.reducer.devices().empty());
}

TEST_CASE(
    "a store that is full is asked again once a second, not each turn, and keeps what it was told since") {
    StoreFile file;
    Sharer one(file);
    file.refuse_commits(true);
    one.keeper.take_device(device_info("a"), at(1000));
    for (int turn = 0; turn < 100; ++turn)
        one.keeper.store_devices(at(1000 + turn * 0.02));
    CHECK(file.refused_commits() == 2);
    CHECK_FALSE(one.ready());
    CHECK(one.reducer.devices().size() == 1);
    CHECK_FALSE(one.keeper.settled());

    file.refuse_commits(false);
    one.know("b", at(1003));
    CHECK(file.content().devices.size() == 2);
    CHECK(one.ready());
    CHECK(one.keeper.settled());
}

TEST_CASE("who waits for a device to be forgotten is told that a full store keeps it, and it goes later") {
    StoreFile file;
    Sharer one(file);
    one.know("a", at(1000));
    one.forget("a");
    one.forget("a");
    file.refuse_commits(true);
    const auto refused = one.release(at(1002));
    REQUIRE(refused.size() == 2);
    CHECK(contracts::find_remote_error(refused.front().reply)->has_value());
    CHECK(one.keeper.release_devices(at(1002.5)).empty());
    CHECK(file.refused_commits() == 1);
    CHECK_FALSE(one.keeper.settled());

    file.refuse_commits(false);
    one.forget("a");
    const auto done = one.release(at(1004));
    REQUIRE(done.size() == 1);
    CHECK(contracts::DeleteReply::decode(done.front().reply)->name == "a");
    CHECK(file.content().devices.empty());
    CHECK(one.keeper.settled());
}

TEST_CASE("a device that another operator has just stored can be forgotten before it is adopted") {
    StoreFile file;
    Sharer one(file);
    Sharer other(file);
    one.know("a", at(1000));
    other.forget("a");
    CHECK(other.release(at(1002)).size() == 1);
    CHECK(file.content().devices.empty());
    CHECK(other.keeper.settled());
}

TEST_CASE("a device that comes back between two operators' deletions stays") {
    StoreFile file;
    Sharer one(file);
    one.know("a", at(1000));
    Sharer other(file);
    one.forget("a");
    REQUIRE(one.release(at(1001)).size() == 1);
    other.keeper.adopt(at(1001));
    one.know("a", at(1002));
    other.keeper.adopt(at(1002));
    CHECK(other.reducer.devices().empty());
    CHECK(other.release(at(1002)).empty());
    CHECK(file.content().devices.size() == 1);
    CHECK(other.reducer.devices() == one.reducer.devices());
    CHECK(other.reducer.devices().size() == 1);
}

TEST_CASE("a Deployment that can't be taken out of a full store is released later, not asked for each turn") {
    StoreFile file;
    Sharer one(file);
    one.apply(deployment("web", selector({}), "img:1"));
    one.reducer.apply(op::SnapshotBegan{}, at(1000));
    one.reducer.apply(op::SnapshotEnded{}, at(1000));
    REQUIRE(one.keeper.delete_deployment(op::testing::deployment_name("web"), "", at(1000)).has_value());
    file.refuse_commits(true);
    for (int turn = 0; turn < 100; ++turn)
        one.keeper.release_deployments(at(1000 + turn * 0.02));
    CHECK(file.refused_commits() == 2);
    CHECK(file.content().deployments.size() == 1);

    file.refuse_commits(false);
    one.keeper.release_deployments(at(1003));
    CHECK(file.content().deployments.empty());
    CHECK(one.reducer.deployments().empty());
}

}  // namespace harmony::simulation
