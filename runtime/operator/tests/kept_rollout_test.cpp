// The record of a rollout as a cluster keeps it: what it says survives, and no object of it becomes large.
#include "harmony/operator/kept_rollout.hpp"

#include <catch2/catch.hpp>

#include "fleet_builders.hpp"

using namespace harmony::op;
using namespace harmony::op::testing;
namespace contracts = harmony::contracts;

namespace {

constexpr std::size_t kMostOfAnObject = 1024 * 1024;

contracts::Deployment web(int generation, const std::string& image, bool paused = false) {
    auto document = deployment("web", selector({}), image);
    document.metadata.generation = generation;
    document.spec.paused = paused;
    document.spec.rollout = contracts::Rolling{{1, false}, std::chrono::seconds{0}, {0, false}};
    return document;
}

RolloutStep step(const KeptRollout& kept, std::vector<contracts::DeviceId> devices) {
    return {deployment_name("web"), kept.record.version, std::move(devices), hash_of(kept.active->score),
            false};
}

std::map<std::string, ScoreHash> held(const KeptRollout& kept, std::int64_t since = -1) {
    std::map<std::string, ScoreHash> result;
    kept.each_holding_since(since,
                            [&](const Holding& holding) { result[holding.device.str()] = holding.score; });
    return result;
}

KeptRollout decoded(const EncodedRollout& encoded) {
    auto read = decode_rollout(encoded.header, [&](const std::string& part) -> const std::string* {
        const auto found = encoded.parts.find(part);
        return found == encoded.parts.end() ? nullptr : &found->second;
    });
    if (!read) FAIL(read.error().text());
    return std::move(*read);
}

std::string long_name(int number) {
    const std::string digits = std::to_string(number);
    return std::string(253 - digits.size(), 'd') + digits;
}

}  // namespace

TEST_CASE("a spec becomes active, a paused one waits, and a change rolls out from the one before") {
    auto kept = with_spec(std::nullopt, web(1, "img:1"));
    CHECK(kept.active == web(1, "img:1").spec);
    CHECK_FALSE(kept.record.in_progress());
    kept = with_spec(kept, web(2, "img:2", true));
    CHECK(kept.generation == 2);
    CHECK(kept.active == web(1, "img:1").spec);
    kept = with_spec(kept, web(3, "img:2"));
    CHECK(kept.active == web(3, "img:2").spec);
    CHECK(kept.record.base == hash_of(score("img:1")));
    CHECK(kept.record.older == std::vector{score("img:1")});
    CHECK_FALSE(with_spec(std::nullopt, web(1, "img:1", true)).active);
}

TEST_CASE("steps are told since a version, survive writing and reading, and end with the rollout") {
    auto kept = with_spec(with_spec(std::nullopt, web(1, "img:1")), web(2, "img:2"));
    kept = with_step(kept, step(kept, {device_id("a"), device_id("b")}));
    const std::int64_t first = kept.record.version;
    kept = with_spec(kept, web(3, "img:3"));
    kept = with_step(kept, step(kept, {device_id("b")}));
    CHECK(held(kept) ==
          std::map<std::string, ScoreHash>{{"a", hash_of(score("img:2"))}, {"b", hash_of(score("img:3"))}});
    CHECK(held(kept, first).size() == 1);
    const auto again = decoded(encode_rollout(kept));
    CHECK(held(again) == held(kept));
    CHECK(again.record == kept.record);
    CHECK(again.active == kept.active);
    CHECK(again.generation == 3);
    RolloutStep last = step(kept, {});
    last.finished = true;
    const auto ended = with_step(kept, last);
    CHECK_FALSE(ended.record.in_progress());
    CHECK(held(ended).empty());
}

TEST_CASE("scores that no device holds are forgotten with the next change") {
    auto kept = with_spec(with_spec(std::nullopt, web(1, "img:1")), web(2, "img:2"));
    kept = with_spec(kept, web(3, "img:3"));  // nobody was given the second
    kept = with_step(kept, step(kept, {device_id("a")}));
    kept = with_spec(kept, web(4, "img:4"));
    CHECK(kept.record.older == std::vector{score("img:1"), score("img:3")});
}

TEST_CASE("a rollout over 10 000 devices with the longest names has only objects that a cluster takes") {
    auto kept = with_spec(with_spec(std::nullopt, web(1, "img:1")), web(2, "img:2"));
    std::set<std::string> stored;
    std::size_t written = 0;
    for (int first = 0; first < 10'000; first += 100) {
        std::vector<contracts::DeviceId> devices;
        for (int number = first; number < first + 100; ++number)
            devices.push_back(device_id(long_name(number)));
        kept = with_step(kept, step(kept, std::move(devices)));
        const auto encoded =
            encode_rollout(kept, [&](const std::string& part) { return stored.contains(part); });
        REQUIRE(encoded.header.size() < kMostOfAnObject / 2);
        written += encoded.header.size();
        for (const auto& [name, text] : encoded.parts) {
            REQUIRE(text.size() < kMostOfAnObject / 2);
            written += text.size();
            stored.insert(name);
        }
    }
    // What is old is not written again with each step: that would be more than a hundred times as much.
    CHECK(written < 12 * 10'000 * 254);
    const auto whole = encode_rollout(kept);
    CHECK(held(decoded(whole)).size() == 10'000);
    CHECK(whole.names.size() == stored.size());
}

TEST_CASE("one step of as many devices as it may have, and scores as large as they may be, still fit") {
    auto first = web(1, "img:1");
    auto large = web(2, "img:2");
    std::string env;
    for (int number = 0; number < 60; ++number)
        env += (number == 0 ? "\"" : ",\"") + std::string("V") + std::to_string(100 + number) + "\":\"" +
               std::string(4'000, 'x') + "\"";
    large.spec.score.data = R"({"services":[{"env":{)" + env + R"(},"image":"img:2","name":"web"}]})";
    auto kept = with_spec(with_spec(std::nullopt, first), large);
    std::vector<contracts::DeviceId> devices;
    for (std::size_t number = 0; number < kClusterStepDevices; ++number)
        devices.push_back(device_id(long_name(static_cast<int>(number))));
    kept = with_step(kept, step(kept, std::move(devices)));
    const auto encoded = encode_rollout(kept);
    CHECK(encoded.header.size() < kMostOfAnObject / 2);
    CHECK(encoded.parts.size() == 1);  // the large spec
    CHECK(decoded(encoded).active == kept.active);
}

TEST_CASE("a record that lacks a part, or is none, is refused with what is wrong") {
    auto kept = with_spec(std::nullopt, web(1, "img:1"));
    const auto nothing = [](const std::string&) -> const std::string* { return nullptr; };
    const auto refused = [&](const std::string& header) {
        const auto read = decode_rollout(header, nothing);
        REQUIRE_FALSE(read);
        return read.error();
    };
    CHECK(refused("nonsense").kind() == harmony::ErrorKind::Corrupt);
    CHECK_THAT(refused(R"({"generation":1})").text(), Catch::Contains("version"));
    CHECK(refused(R"({"generation":1,"version":1,"epoch":0,"base":"0","active":{"part":"0123"}})").kind() ==
          harmony::ErrorKind::NotFound);
    CHECK_THAT(refused(R"({"generation":1,"version":1,"epoch":0,"base":"0","recent":[[1,"g","a"]]})").text(),
               Catch::Contains("holdings"));
    CHECK_THAT(
        refused(R"({"generation":1,"version":1,"epoch":0,"base":"0","recent":[[1,"a","Not OK"]]})").text(),
        Catch::Contains("Not"));
    CHECK(decode_rollout(encode_rollout(kept).header, nothing));
}
