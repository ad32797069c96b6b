#include "harmony/operator/sqlite_resource_store.hpp"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "fleet_builders.hpp"
#include "resource_store_behaviour.hpp"

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

}  // namespace

TEST_CASE("the store of an operator without a cluster behaves as every resource store") {
    for (const StoreCase& one : resource_store_cases()) {
        DYNAMIC_SECTION(one.name) {
            const Directory directory;
            one.run([&] { return open(directory); });
        }
    }
}

TEST_CASE("the store's file is private to its owner") {
    const Directory directory;
    put_deployment(*open(directory), stored_deployment("web"));
    struct stat status {};
    REQUIRE(::stat(directory.file().c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0600U);
}

TEST_CASE("a file of an operator that knew no rollouts is taken over with everything in it") {
    const Directory directory;
    put_deployment(*open(directory), stored_deployment("web"));
    execute(directory,
            "DROP TABLE holdings; DROP TABLE revisions; DROP TABLE rollouts; PRAGMA user_version = 1");
    auto store = open(directory);
    CHECK(store->deployment(deployment_name("web")).value() == stored_deployment("web"));
    REQUIRE(store->transaction([&] {
        return store->put_rollout(deployment_name("web"), {1, 0, 7, {score("img:1")}});
    }));
    CHECK(store->rollout(deployment_name("web")).value()->older.size() == 1);
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
