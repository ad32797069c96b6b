// What the writer's thread does with its jobs, without the thread and on buckets that fail when told to.
#include "harmony/operator/desired_writer.hpp"

#include <catch2/catch.hpp>

#include "harmony/contracts/kv.hpp"

using namespace harmony::op;
using harmony::ErrorKind;
using harmony::Result;
namespace contracts = harmony::contracts;
namespace nats = harmony::runtime::nats;

namespace {

class FakeBuckets final : public BucketAccess {
 public:
    Result<void> make_buckets() override {
        if (away) return lost();
        present = true;
        return {};
    }
    Result<void> load(
        const std::function<void(const std::string& key, std::string_view value)>& visit) override {
        if (away) return lost();
        for (const auto& [key, value] : values)
            visit(key, value);
        return {};
    }
    Result<nats::BucketState> state() override {
        if (away) return harmony::fail(lost().error());
        if (!present) return harmony::fail(ErrorKind::NotFound, "no bucket");
        return nats::BucketState{created, values.size(), revision};
    }
    Result<void> write(const WriteBatchAction& batch) override {
        if (away || refuses || !present) return lost();
        for (const KvWrite& write : batch.writes) {
            values[write.key] = *write.value;
            ++revision;
        }
        return {};
    }

    bool away = false;
    bool refuses = false;
    bool present = false;
    std::string created = "first";
    std::uint64_t revision = 0;
    std::map<std::string, std::string> values;

 private:
    static Result<void> lost() { return harmony::fail(ErrorKind::Timeout, "no answer"); }
};

struct Writer {
    FakeBuckets buckets;
    std::vector<bool> batches;
    int loaded = 0;
    int lost = 0;
    std::uint64_t number = 0;
    DesiredWriterLogic logic{buckets,
                             {.on_batch = [this](std::uint64_t, bool written) { batches.push_back(written); },
                              .on_snapshot = [](Event) {},
                              .on_loaded = [this] { ++loaded; },
                              .on_buckets = {},
                              .on_lost = [this] { ++lost; }}};

    bool done(const WriterJob& job) { return !logic.attempt(job); }
    bool writes(const std::string& key, const std::string& value) {
        WriteBatchAction batch;
        batch.number = ++number;
        batch.writes.push_back(
            {contracts::kDesiredStateBucket, key, std::make_shared<const std::string>(value)});
        REQUIRE(done(batch));
        REQUIRE(batches.size() == number);
        return batches.back();
    }
};

}  // namespace

TEST_CASE("batches that waited behind something that failed are not written, however well it ended") {
    Writer writer;
    REQUIRE(writer.done(LoadBucket{}));
    REQUIRE(writer.writes("a.web", "1"));
    WriterJob failing = EnsureBuckets{};
    SECTION("making the buckets") {}
    SECTION("reading what is there") {
        failing = LoadBucket{};
    }
    writer.buckets.away = true;
    REQUIRE_FALSE(writer.done(failing));
    // Meanwhile another operator goes on.
    writer.buckets.away = false;
    writer.buckets.values["a.web"] = "3";
    if (std::holds_alternative<EnsureBuckets>(failing)) {
        REQUIRE(writer.done(failing));
    }
    CHECK_FALSE(writer.writes("a.web", "2"));
    CHECK(writer.buckets.values.at("a.web") == "3");

    REQUIRE(writer.done(LoadBucket{}));
    CHECK(writer.loaded == 2);
    CHECK(writer.writes("a.web", "4"));
    CHECK(writer.buckets.values.at("a.web") == "4");
}

TEST_CASE("after a write has failed nothing is written before the bucket was read anew") {
    Writer writer;
    REQUIRE(writer.done(LoadBucket{}));
    writer.buckets.away = true;
    CHECK_FALSE(writer.writes("a.web", "1"));
    writer.buckets.away = false;
    CHECK_FALSE(writer.writes("a.web", "2"));
    CHECK(writer.buckets.values.empty());
    REQUIRE(writer.done(LoadBucket{}));
    CHECK(writer.writes("a.web", "3"));
}

TEST_CASE("a bucket that has lost entries is noticed once, and nothing is written before it was read anew") {
    Writer writer;
    REQUIRE(writer.done(CheckBucket{}));  // nothing is known of it yet
    CHECK(writer.lost == 0);
    REQUIRE(writer.done(LoadBucket{}));
    REQUIRE(writer.writes("a.web", "1"));
    REQUIRE(writer.done(CheckBucket{1}));
    CHECK(writer.lost == 0);
    std::uint64_t keys = 1;
    SECTION("deleted") {
        writer.buckets.values.clear();
        writer.buckets.present = false;
    }
    SECTION("deleted, and made and filled by another operator") {
        writer.buckets.created = "second";
        writer.buckets.values["a.more"] = "1";
        writer.buckets.revision += 5;
    }
    SECTION("purged") {
        writer.buckets.values.clear();
    }
    SECTION("purged before anybody looked at it after the last write") {
        REQUIRE(writer.writes("b.web", "1"));
        REQUIRE(writer.writes("c.web", "1"));
        writer.buckets.values.erase("b.web");
        writer.buckets.values.erase("c.web");
        keys = 3;
    }
    SECTION("set back to an earlier moment") {
        writer.buckets.revision = 0;
    }
    REQUIRE(writer.done(CheckBucket{keys}));
    REQUIRE(writer.done(CheckBucket{keys}));
    CHECK(writer.lost == 1);
    CHECK_FALSE(writer.writes("a.web", "2"));
    REQUIRE(writer.done(LoadBucket{}));
    CHECK(writer.buckets.present);
    CHECK(writer.writes("a.web", "3"));
    REQUIRE(writer.done(CheckBucket{}));
    CHECK(writer.lost == 1);
}

TEST_CASE("a bucket that cannot be looked at now has lost nothing") {
    Writer writer;
    REQUIRE(writer.done(LoadBucket{}));
    writer.buckets.away = true;
    REQUIRE(writer.done(CheckBucket{}));
    CHECK(writer.lost == 0);
    writer.buckets.away = false;
    CHECK(writer.writes("a.web", "1"));
}

TEST_CASE("while every write is refused, each reading of the bucket waits longer") {
    Writer writer;
    REQUIRE(writer.done(LoadBucket{}));
    writer.buckets.refuses = true;
    CHECK_FALSE(writer.writes("a.web", "1"));
    REQUIRE(writer.done(LoadBucket{}));  // once may be chance
    std::chrono::milliseconds last{0};
    for (int round = 0; round < 4; ++round) {
        CHECK_FALSE(writer.writes("a.web", "1"));
        const auto wait = writer.logic.attempt(LoadBucket{});
        REQUIRE(wait);
        CHECK(*wait > last);
        last = *wait;
        REQUIRE(writer.done(LoadBucket{}));
    }
    writer.buckets.refuses = false;
    CHECK(writer.writes("a.web", "1"));
    writer.buckets.refuses = true;
    CHECK_FALSE(writer.writes("a.web", "2"));
    CHECK(writer.done(LoadBucket{}));
}
