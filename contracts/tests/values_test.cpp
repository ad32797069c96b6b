#include <catch2/catch.hpp>

#include "harmony/contracts/canonical_json.hpp"
#include "harmony/contracts/desired_state.hpp"
#include "harmony/contracts/heartbeat.hpp"
#include "harmony/contracts/kv.hpp"
#include "harmony/contracts/names.hpp"
#include "harmony/contracts/timestamps.hpp"
#include "samples.hpp"

using namespace harmony::contracts;
using harmony::ErrorKind;
using testing::deployment;
using testing::device;

TEST_CASE("a name is lower-case letters, digits and dashes with a letter or digit at both ends") {
    for (const auto* good : {"a", "7", "edge-01", "a--b"})
        CHECK(DeviceId::parse(good).has_value());
    CHECK(DeviceId::parse(std::string(253, 'a')).has_value());
    for (const auto* bad :
         {"", "-a", "a-", "A", "a.b", "a_b", "_index", "a b", "*", ">", "a/b", "\xc3\xa9"}) {
        INFO(bad);
        REQUIRE_FALSE(DeviceId::parse(bad).has_value());
        CHECK(DeviceId::parse(bad).error().kind() == ErrorKind::InvalidInput);
    }
    CHECK_FALSE(DeviceId::parse(std::string(254, 'a')).has_value());
    CHECK_THAT(DeviceId::parse("A").error().text(), Catch::StartsWith("device id: found \"A\", expected "));
}

TEST_CASE("a timestamp is written with microseconds and read back") {
    CHECK(Timestamp().format() == "1970-01-01T00:00:00.000000Z");
    CHECK(Timestamp::from_microseconds(1'740'830'400'000'123).format() == "2025-03-01T12:00:00.000123Z");
    CHECK(Timestamp::from_microseconds(-1).format() == "1969-12-31T23:59:59.999999Z");
    CHECK(Timestamp::from_microseconds(-1).seconds() == -1);
    CHECK(Timestamp::from_microseconds(INT64_MAX).format() == "9999-12-31T23:59:59.999999Z");
    CHECK(Timestamp::from_microseconds(INT64_MIN).format() == "0001-01-01T00:00:00.000000Z");
    for (const std::int64_t value : {std::int64_t{0}, std::int64_t{1}, Timestamp::kMinMicroseconds,
                                     Timestamp::kMaxMicroseconds, std::int64_t{951'782'400'000'000}}) {
        const auto stamp = Timestamp::from_microseconds(value);
        CHECK(Timestamp::parse(stamp.format()).value() == stamp);
    }
}

TEST_CASE("a timestamp accepts other writers' forms of the same moment") {
    const auto noon = Timestamp::from_microseconds(1'740'830'400'000'000);
    for (const auto* text : {"2025-03-01T12:00:00Z", "2025-03-01t12:00:00.0z", "2025-03-01T13:30:00+01:30",
                             "2025-03-01T12:00:00.000000999Z", "2025-03-01T11:00:00-01:00"}) {
        INFO(text);
        REQUIRE(Timestamp::parse(text).has_value());
        CHECK(*Timestamp::parse(text) == noon);
    }
    for (const auto* text :
         {"", "2025-03-01", "2025-02-29T00:00:00Z", "2025-13-01T00:00:00Z", "2025-03-01T24:00:00Z",
          "2025-03-01T12:00:60Z", "2025-03-01T12:00:00", "2025-03-01T12:00:00.Z", "2025-03-01T12:00:00Zx",
          "2025-03-01 12:00:00Z", "2025-03-01T12:00:00+1:00", "0000-01-01T00:00:00Z",
          "0001-01-01T00:00:00+01:00"}) {
        INFO(text);
        CHECK_FALSE(Timestamp::parse(text).has_value());
    }
}

TEST_CASE("a writer's timestamps increase although its clock steps back") {
    const auto first = Timestamp::from_microseconds(1000);
    CHECK(Timestamp::after(first, Timestamp::from_microseconds(10)).microseconds() == 1001);
    CHECK(Timestamp::after(first, Timestamp::from_microseconds(1000)).microseconds() == 1001);
    CHECK(Timestamp::after(first, Timestamp::from_microseconds(5000)).microseconds() == 5000);
}

TEST_CASE("canonical bytes do not depend on order and space") {
    CHECK(canonicalize(" { \"b\" : 1 , \"a\" : [ true , null ] } ").value() == R"({"a":[true,null],"b":1})");
    CHECK(canonicalize(R"({"z":1,"A":2,"\u00e9":3})").value() == "{\"A\":2,\"z\":1,\"\xc3\xa9\":3}");
    CHECK_FALSE(canonicalize("{} x").has_value());
    CHECK_FALSE(canonicalize("1e999").has_value());
    CHECK(canonicalize(std::string(32, '[') + std::string(32, ']')).has_value());
    CHECK_FALSE(canonicalize(std::string(33, '[') + std::string(33, ']')).has_value());
    CHECK(canonicalize('"' + std::string(99, '[') + '"').has_value());
}

TEST_CASE("keys are parsed back to what they were built from, and nothing else is a key") {
    const auto d = device("edge-01");
    const auto w = deployment("web");
    CHECK(parse_desired_state_key(desired_state_key(d, w)).value() == DesiredStateKey{d, w});
    CHECK(parse_desired_state_key(desired_index_key(d)).value() == DesiredStateKey{d, std::nullopt});
    CHECK(parse_device_info_key(device_info_key(d)).value() == d);
    CHECK(parse_device_state_key(device_state_key(d, w)).value() == DeviceStateKey{d, w});
    CHECK(parse_heartbeat_key(heartbeat_key(d)).value() == d);
    for (const auto* bad : {"", "a", "a.", ".a", "a.b.c", "a._other", "A.b", "_index"}) {
        INFO(bad);
        CHECK_FALSE(parse_desired_state_key(bad).has_value());
    }
    for (const auto* bad : {"info.", "info.a.b", "state.a", "heartbeat.", "info"}) {
        CHECK_FALSE(parse_device_info_key(bad).has_value());
        CHECK_FALSE(parse_device_state_key(bad).has_value());
        CHECK_FALSE(parse_heartbeat_key(bad).has_value());
    }
    CHECK(kv_key_of_subject("device-info", "$KV.device-info.info.a").value() == "info.a");
    CHECK_FALSE(kv_key_of_subject("device-info", "$KV.device-state.state.a").has_value());
    CHECK_FALSE(kv_key_of_subject("device-info", "$KV.device-info.").has_value());
}

TEST_CASE("a heartbeat stays below its limit whatever the agent calls itself") {
    Heartbeat beat{std::string(200, '9'), 9'999'999'999, "ffffffffffffffff"};
    CHECK(beat.encode().size() == kHeartbeatBytesLimit - 1);
    beat.agent_version = "\"\\\x01" + std::string(200, '\xff');
    beat.at = INT64_MAX;
    beat.desired_digest = "no digest";
    CHECK(beat.encode().size() < kHeartbeatBytesLimit);
    REQUIRE(Heartbeat::decode(beat.encode()).has_value());
    CHECK(Heartbeat::decode(beat.encode())->agent_version.empty());
}

TEST_CASE("a heartbeat is the same however it is spelled, and is refused however it is spelled") {
    const Heartbeat beat{"1.2.3-rc+4_a", 1'767'225'600, "00ff00ff00ff00ff"};
    CHECK(Heartbeat::decode(beat.encode()).value() == beat);
    // A space in front is another spelling of the same document.
    CHECK(Heartbeat::decode(" " + beat.encode()).value() == beat);
    const auto spelled = [](const std::string& version, const std::string& at, const std::string& digest) {
        return R"({"agent_version":")" + version + R"(","at":)" + at + R"(,"desired_digest":")" + digest +
               "\"}";
    };
    const std::string digest(16, 'a');
    const std::string unknown =
        R"({"agent_version":"1","at":1,"desired_digest":"aaaaaaaaaaaaaaaa","later":[]})";
    for (const std::string& good : {spelled("", "0", digest), spelled("1", "9999999999", digest),
                                    spelled(std::string(kHeartbeatVersionBytes, 'v'), "1", digest),
                                    spelled(R"(\u0031)", "1", digest), unknown}) {
        INFO(good);
        REQUIRE(Heartbeat::decode(good).has_value());
        CHECK(Heartbeat::decode(good).value() == Heartbeat::decode(" " + good).value());
    }
    for (const std::string& bad :
         {spelled("1 2", "1", digest), spelled(std::string(kHeartbeatVersionBytes + 1, 'v'), "1", digest),
          spelled("1", "", digest), spelled("1", "01", digest), spelled("1", "-1", digest),
          spelled("1", "+1", digest), spelled("1", "1.5", digest), spelled("1", "10000000000", digest),
          spelled("1", "99999999999999999999", digest), spelled("1", "1", "A" + digest.substr(1)),
          spelled("1", "1", digest + "a"), spelled("1", "1", digest) + "x",
          spelled("1", "1", digest) + "{}"}) {
        INFO(bad);
        CHECK_FALSE(Heartbeat::decode(bad).has_value());
        CHECK_FALSE(Heartbeat::decode(" " + bad).has_value());
    }
}

TEST_CASE("a score is equal to another whose data is written differently") {
    const auto one = Score::decode(R"({"type":"X","data":{"a":1,"b":2}})").value();
    const auto two = Score::decode(R"({"data":{ "b":2, "a":1 }, "type":"X"})").value();
    CHECK(one == two);
    CHECK(one.hash() == two.hash());
    CHECK(one.encode() == R"({"data":{"a":1,"b":2},"type":"X"})");
    CHECK(one.hash() == value_hash(one.encode()));
    CHECK_FALSE(Score::decode(R"({"type":"no good","data":{}})").has_value());
}

TEST_CASE("an index is sorted and names a deployment once") {
    CHECK(DesiredIndex::decode(R"({"deployments":["b","a"]})").value().deployments ==
          std::vector{deployment("a"), deployment("b")});
    const auto twice = DesiredIndex::decode(R"({"deployments":["b","a","b"]})");
    REQUIRE_FALSE(twice.has_value());
    CHECK(twice.error().text() == R"(deployments: names "b" twice)");
}

TEST_CASE("a digest tells apart what a device holds") {
    DesiredHashes held{{deployment("a"), "0000000000000001"}, {deployment("b"), "0000000000000002"}};
    const auto digest = desired_digest(held);
    CHECK(is_hex16(digest));
    held[deployment("b")] = "0000000000000003";
    CHECK(desired_digest(held) != digest);
    held.erase(deployment("b"));
    CHECK(desired_digest(held) != digest);
}
