#include "harmony/daemon/config_reader.hpp"

#include <catch2/catch.hpp>

namespace harmony::runtime::daemon {
namespace {

ConfigReader reader_of(const char* text) {
    auto reader = ConfigReader::parse(text, "agent.toml");
    REQUIRE(reader);
    return std::move(*reader);
}

std::string problems_of(ConfigReader& reader) {
    const auto done = reader.finish();
    return done ? std::string() : done.error().message();
}

bool holds(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("well-formed fields are read with their types") {
    auto reader = reader_of(R"(
        [agent]
        device_id = "edge-1"
        runtime_enabled = false
        heartbeat_seconds = 15
        factor = 2
        mode = "fast"
        [labels]
        site = "north"
        "a.b/c" = "d"
        [nats]
        urls = ["nats://a:1", "nats://b:2"]
    )");
    CHECK(reader.required_string("agent.device_id") == "edge-1");
    CHECK_FALSE(reader.boolean("agent.runtime_enabled", true));
    CHECK(reader.integer("agent.heartbeat_seconds", 30, 1, 60) == 15);
    CHECK(reader.number("agent.factor", 1, 0, 10) == 2.0);
    CHECK(reader.one_of("agent.mode", {"fast", "slow"}) == "fast");
    CHECK(reader.string_map("labels") ==
          std::map<std::string, std::string>{{"site", "north"}, {"a.b/c", "d"}});
    CHECK(reader.string_list("nats.urls", true).size() == 2);
    CHECK(reader.string("agent.absent", "default") == "default");
    CHECK(reader.integer("agent.absent_number", 5, 1, 9) == 5);
    CHECK(problems_of(reader).empty());
}

TEST_CASE("every problem is told at once, with file, line, field, found and expected") {
    auto reader = reader_of(
        "[agent]\ndevice_id = 5\nperiod = 0\nmode = \"fsat\"\n[nats]\nurls = \"a,b\"\nlist = [1]\n");
    CHECK(reader.required_string("agent.device_id").empty());
    CHECK(reader.integer("agent.period", 30, 1, 60) == 30);
    CHECK(reader.one_of("agent.mode", {"fast", "slow"}).empty());
    CHECK(reader.string_list("nats.urls").empty());
    CHECK(reader.string_list("nats.list").empty());
    CHECK(reader.required_integer("agent.must", 1, 2) == 1);
    reader.problem("agent", "needs more");
    const std::string text = problems_of(reader);
    INFO(text);
    CHECK(holds(text, "agent.toml:2: agent.device_id: found 5, expected a string"));
    CHECK(holds(text, "agent.toml:3: agent.period: found 0, expected an integer from 1 to 60"));
    CHECK(holds(
        text,
        "agent.toml:4: agent.mode: found \"fsat\", expected \"fast\" or \"slow\"; did you mean \"fast\"?"));
    CHECK(holds(text, "agent.toml:6: nats.urls: found \"a,b\", expected a list of strings"));
    CHECK(holds(text, "nats.list[0]: found 1, expected a string"));
    CHECK(holds(text, "agent.must: missing, expected an integer from 1 to 2"));
    CHECK(holds(text, "agent: needs more"));
}

TEST_CASE("an address is one of IP and not a name") {
    auto reader = reader_of("[agent]\nv4 = \"0.0.0.0\"\nv6 = \"::\"\nname = \"localhost\"\nnumber = 7\n");
    CHECK(reader.ip_address("agent.v4", "127.0.0.1") == "0.0.0.0");
    CHECK(reader.ip_address("agent.v6", "127.0.0.1") == "::");
    CHECK(reader.ip_address("agent.absent", "127.0.0.1") == "127.0.0.1");
    CHECK(reader.ip_address("agent.name", "127.0.0.1") == "127.0.0.1");
    CHECK(reader.ip_address("agent.number", "127.0.0.1") == "127.0.0.1");
    const std::string text = problems_of(reader);
    INFO(text);
    CHECK(holds(text, "agent.toml:4: agent.name: found \"localhost\", expected an IP address"));
    CHECK(holds(text, "agent.number: found 7, expected an IP address"));
}

TEST_CASE("unknown fields and tables are refused with a suggestion") {
    auto reader = reader_of("extra = 1\n[agent]\ndevcie_id = \"a\"\n[ntas]\nurls = []\n");
    static_cast<void>(reader.string("agent.device_id", ""));
    static_cast<void>(reader.string_list("nats.urls"));
    const std::string text = problems_of(reader);
    INFO(text);
    CHECK(holds(text, "agent.devcie_id: unknown field; did you mean agent.device_id?"));
    CHECK(holds(text, "ntas: unknown field; did you mean nats?"));
    CHECK(holds(text, "extra: unknown field"));
}

TEST_CASE("a scalar where a table belongs is refused") {
    auto reader = reader_of("agent = 1\n");
    static_cast<void>(reader.string("agent.device_id", ""));
    CHECK(holds(problems_of(reader), "agent: found 1, expected a table"));
}

TEST_CASE("neither a wrong field nor broken TOML shows a secret") {
    auto reader = reader_of("[credentials]\nnats_pass = 123456\n");
    static_cast<void>(reader.required_string("credentials.nats_pass"));
    const std::string text = problems_of(reader);
    CHECK(holds(text, "credentials.nats_pass: found an integer, expected a string"));
    CHECK_FALSE(holds(text, "123456"));
    const auto broken = ConfigReader::parse("nats_pass = \"hunter2\n", "agent.toml");
    REQUIRE_FALSE(broken);
    CHECK(holds(broken.error().message(), "agent.toml:1"));
    CHECK_FALSE(holds(broken.error().message(), "hunter2"));
}

TEST_CASE("a suggestion is made for a slip and not for another word") {
    const std::vector<std::string> known = {"device_id", "runtime_enabled"};
    CHECK(closest_match("devcie_id", known) == "device_id");
    CHECK(closest_match("runtime_enable", known) == "runtime_enabled");
    CHECK_FALSE(closest_match("colour", known).has_value());
    CHECK_FALSE(closest_match("", known).has_value());
}

}  // namespace harmony::runtime::daemon
