#include "harmony/operator/sqlite_resource_store.hpp"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "fleet_builders.hpp"

using namespace harmony::op;
using namespace harmony::op::testing;
using harmony::ErrorKind;
using harmony::Result;
namespace contracts = harmony::contracts;

namespace {

struct Directory {
    std::filesystem::path path;
    Directory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "harmony-store-XXXXXX").string();
        REQUIRE(mkdtemp(pattern.data()) != nullptr);
        path = pattern;
    }
    ~Directory() { std::filesystem::remove_all(path); }
    std::string file() const { return (path / "resources.sqlite").string(); }
};

std::unique_ptr<ResourceStore> open(const Directory& directory) {
    auto store = open_sqlite_resource_store(directory.file());
    if (!store) FAIL(store.error().text());
    return std::move(*store);
}

void execute(const Directory& directory, const char* sql) {
    sqlite3* database = nullptr;
    REQUIRE(sqlite3_open(directory.file().c_str(), &database) == SQLITE_OK);
    REQUIRE(sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(database);
}

StoredDeployment stored(const std::string& name) {
    StoredDeployment result;
    result.deployment = deployment(name, selector({{"site", "x"}}), "img:1");
    result.deployment.metadata.resource_version = "3";
    result.active = result.deployment.spec;
    return result;
}

contracts::DeviceInfo info(const std::string& id, const contracts::Labels& labels) {
    contracts::DeviceInfo result;
    result.device_id = device_id(id);
    result.labels = labels;
    result.agent_version = "0.1.0";
    result.updated_at = at(1);
    return result;
}

void put_deployment(ResourceStore& store, const StoredDeployment& document) {
    const auto done = store.transaction([&] { return store.put_deployment(document); });
    if (!done) FAIL(done.error().text());
}

}  // namespace

TEST_CASE("what was stored is there after the store is opened again, private to its owner") {
    const Directory directory;
    auto document = stored("web");
    document.active->score = score("img:0");
    {
        auto store = open(directory);
        put_deployment(*store, document);
        REQUIRE(store->transaction([&] { return store->put_device(info("a", {{"site", "x"}}), at(7)); }));
    }
    auto store = open(directory);
    const auto found = store->deployment(deployment_name("web"));
    REQUIRE(found);
    CHECK(*found == document);
    const auto device = store->device(device_id("a"));
    REQUIRE(device);
    REQUIRE(*device);
    CHECK((*device)->registered_at == at(7));
    CHECK((*device)->info.labels == contracts::Labels{{"site", "x"}});
    struct stat status {};
    REQUIRE(::stat(directory.file().c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0600U);
}

TEST_CASE("a failed transaction leaves nothing behind") {
    const Directory directory;
    auto store = open(directory);
    const auto done = store->transaction([&]() -> Result<void> {
        REQUIRE(store->put_deployment(stored("web")));
        return harmony::fail(ErrorKind::Conflict, "changed my mind");
    });
    REQUIRE_FALSE(done);
    CHECK(done.error().kind() == ErrorKind::Conflict);
    const auto found = store->deployment(deployment_name("web"));
    REQUIRE(found);
    CHECK_FALSE(*found);
}

TEST_CASE("pages come in the order of names and conditions stay with their Deployment") {
    const Directory directory;
    auto store = open(directory);
    for (const char* name : {"c", "a", "b"})
        put_deployment(*store, stored(name));
    contracts::Condition ready;
    ready.type = "Ready";
    ready.status = contracts::ConditionStatus::True;
    ready.reason = "AllDevicesRunning";
    ready.last_transition_time = at(5);
    REQUIRE(store->transaction([&] { return store->put_conditions(deployment_name("b"), {ready}); }));
    put_deployment(*store, stored("b"));
    const auto page = store->deployments("a", 1);
    REQUIRE(page);
    REQUIRE(page->size() == 1);
    CHECK(page->front().deployment.metadata.name == "b");
    CHECK(page->front().conditions == std::vector{ready});
    REQUIRE(store->transaction([&] { return store->remove_deployment(deployment_name("b")); }));
    put_deployment(*store, stored("b"));
    CHECK(store->deployment(deployment_name("b")).value()->conditions.empty());
}

TEST_CASE("a rollout, its older scores and its holdings are kept until they are dropped together") {
    const Directory directory;
    const auto web = deployment_name("web");
    const std::vector devices{device_id("a"), device_id("b")};
    const auto holdings = [&](ResourceStore& store, std::int64_t since) {
        std::vector<Holding> found;
        REQUIRE(store.each_holding_since(web, since, [&](const Holding& held) { found.push_back(held); }));
        return found;
    };
    const RolloutRecord rolling{3, 1, ~ScoreHash{5}, {score("img:1"), score("img:2")}};
    {
        auto store = open(directory);
        CHECK_FALSE(store->rollout(web).value());
        auto document = stored("web");
        document.rollout = rolling;
        put_deployment(*store, document);
        REQUIRE(store->transaction([&] { return store->put_holdings(web, 3, devices, ~ScoreHash{7}); }));
        REQUIRE(store->transaction([&] { return store->put_holdings(web, 4, {devices.data(), 1}, 9); }));
    }
    auto store = open(directory);
    CHECK(store->rollout(web).value() == rolling);
    CHECK(store->deployment(web).value()->rollout == rolling);
    CHECK(holdings(*store, -1).size() == 2);
    CHECK(holdings(*store, 3) == std::vector{Holding{device_id("a"), 9}});
    CHECK(store->held_scores(web).value().size() == 2);
    const auto versions = store->deployment_versions().value();
    REQUIRE(versions.size() == 1);
    CHECK(versions[0].resource_version == "3");
    CHECK(versions[0].rollout_version == 3);
    REQUIRE(store->transaction([&] { return store->put_rollout(web, finished(rolling)); }));
    CHECK(store->rollout(web).value() == RolloutRecord{4, 2, 0, {}});
    CHECK(holdings(*store, -1).empty());
    REQUIRE(store->transaction([&] { return store->put_holdings(web, 5, devices, 9); }));
    REQUIRE(store->transaction([&] { return store->remove_deployment(web); }));
    put_deployment(*store, stored("web"));
    CHECK(holdings(*store, -1).empty());
}

TEST_CASE("a file of an operator that knew no rollouts is taken over with everything in it") {
    const Directory directory;
    put_deployment(*open(directory), stored("web"));
    execute(directory,
            "DROP TABLE holdings; DROP TABLE revisions; DROP TABLE rollouts; PRAGMA user_version = 1");
    auto store = open(directory);
    CHECK(store->deployment(deployment_name("web")).value() == stored("web"));
    REQUIRE(store->transaction([&] {
        return store->put_rollout(deployment_name("web"), {1, 0, 7, {score("img:1")}});
    }));
    CHECK(store->rollout(deployment_name("web")).value()->older.size() == 1);
}

TEST_CASE("a device that says the same again is not a new revision") {
    const Directory directory;
    auto store = open(directory);
    const auto put = [&](const contracts::DeviceInfo& device) {
        REQUIRE(store->transaction([&] { return store->put_device(device, at(1)); }));
    };
    put(info("a", {}));
    const auto revision = store->revision().value();
    auto later = info("a", {});
    later.updated_at = at(99);
    put(later);
    CHECK(store->revision().value() == revision);
    put(info("a", {{"site", "y"}}));
    CHECK(store->revision().value() == revision + 1);
}

TEST_CASE("another operator's writes are noticed, one's own are not") {
    const Directory directory;
    auto first = open(directory);
    auto second = open(directory);
    put_deployment(*first, stored("web"));
    CHECK_FALSE(first->changed_by_others().value());
    CHECK(second->changed_by_others().value());
    CHECK_FALSE(second->changed_by_others().value());
}

TEST_CASE("a file that is damaged, foreign or newer is refused by name and left as it is") {
    const Directory directory;
    std::string reason;
    SECTION("not SQLite") {
        std::ofstream(directory.file())
            << "this is no database, and long enough to be looked at as one........";
        reason = "not a database";
    }
    SECTION("another program's") {
        execute(directory, "CREATE TABLE t (x)");
        reason = "of another program";
    }
    SECTION("newer") {
        { auto store = open(directory); }
        execute(directory, "PRAGMA user_version = 99");
        reason = "schema version 99";
    }
    const auto size = std::filesystem::file_size(directory.file());
    const auto store = open_sqlite_resource_store(directory.file());
    REQUIRE_FALSE(store);
    CHECK(store.error().kind() == ErrorKind::Corrupt);
    CHECK(store.error().text().find(directory.file()) != std::string::npos);
    CHECK(store.error().text().find(reason) != std::string::npos);
    CHECK(std::filesystem::file_size(directory.file()) == size);
}
