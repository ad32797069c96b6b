#include "secret_files.hpp"

#include <sys/stat.h>

#include <set>
#include <thread>

#include "temporary_context.hpp"

using namespace harmony::local;
using namespace harmony::local::testing;

namespace {

struct Store {
    std::filesystem::path root = make_temporary_folder("harmony-secrets");
    SecretFiles secrets{root / "secrets"};
    Store() = default;
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;
    ~Store() { std::filesystem::remove_all(root); }
};

}  // namespace

TEST_CASE("a generated secret stays the same and has the asked length in base64url") {
    Store store;
    auto first = store.secrets.ensure("nats/device/device-01", 32);
    REQUIRE(first);
    CHECK(first->created);
    CHECK(first->value.size() == 43);
    CHECK(first->value.find_first_of("+/=") == std::string::npos);
    auto second = store.secrets.ensure("nats/device/device-01", 32);
    REQUIRE(second);
    CHECK_FALSE(second->created);
    CHECK(second->value == first->value);
    CHECK(store.secrets.get("nats/device/device-01") == first->value);
}

TEST_CASE("secrets are files that only their owner reads in folders that only their owner enters") {
    Store store;
    REQUIRE(store.secrets.put("a/b", "value"));
    struct stat status {};
    REQUIRE(::stat((store.root / "secrets/a/b.secret").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    REQUIRE(::stat((store.root / "secrets/a").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0700);
    ::chmod((store.root / "secrets/a/b.secret").c_str(), 0644);
    auto open = store.secrets.get("a/b");
    REQUIRE_FALSE(open);
    CHECK(open.error().code == "secret-store.readable-by-others");
    CHECK(open.error().summary.find("value") == std::string::npos);
}

TEST_CASE("a secret and a folder of secrets may have one name, and lists are by prefix") {
    Store store;
    REQUIRE(store.secrets.put("nats", "1"));
    REQUIRE(store.secrets.put("nats/admin", "2"));
    REQUIRE(store.secrets.put("other", "3"));
    CHECK(store.secrets.list("") == std::vector<std::string>{"nats", "nats/admin", "other"});
    CHECK(store.secrets.list("nats/") == std::vector<std::string>{"nats/admin"});
    REQUIRE(store.secrets.put("nats", "changed"));
    CHECK(store.secrets.get("nats") == "changed");
    CHECK(store.secrets.remove("nats") == true);
    CHECK(store.secrets.remove("nats") == false);
    CHECK(store.secrets.get("nats/admin") == "2");
    CHECK(store.secrets.remove("nats/admin") == true);
    CHECK(store.secrets.remove("other") == true);
    CHECK_FALSE(std::filesystem::exists(store.root / "secrets"));
    CHECK(store.secrets.list("")->empty());
}

TEST_CASE("names that would leave the store are refused and a missing secret has its own code") {
    Store store;
    for (const char* name : {"", "/", "../x", "a//b", "a/../b", "Upper", "a/", "/a", "a.secret", "a b"}) {
        CHECK_FALSE(store.secrets.put(name, "x"));
        auto got = store.secrets.get(name);
        REQUIRE_FALSE(got);
        CHECK(got.error().code == "secret-store.invalid-name");
    }
    auto missing = store.secrets.get("absent");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().code == "secret-store.not-found");
    CHECK_FALSE(std::filesystem::exists(store.root / "secrets"));
    CHECK_FALSE(store.secrets.ensure("short", 4));
}

TEST_CASE("of several that generate a secret at once all get the value of the first") {
    Store store;
    constexpr int kThreads = 8;
    std::vector<std::string> values(kThreads);
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&, i] {
            SecretFiles own(store.root / "secrets");
            if (auto got = own.ensure("race", 32)) values[static_cast<std::size_t>(i)] = got->value;
        });
    }
    for (auto& thread : threads)
        thread.join();
    CHECK(std::set<std::string>(values.begin(), values.end()).size() == 1);
    CHECK(values[0].size() == 43);
    int files = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(store.root / "secrets"))
        ++files;
    CHECK(files == 1);
}
