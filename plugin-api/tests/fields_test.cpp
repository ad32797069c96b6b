#include <catch2/catch.hpp>

#include "sample_plugin.hpp"

using namespace harmony::plugin;
using sample::Parameters;

namespace {

Result<Parameters> read(const char* text) {
    auto json = Json::parse(text);
    REQUIRE(json);
    return from_json<Parameters>(*json, UnknownMembers::Reject);
}

struct Narrow {
    std::uint8_t small = 0;
    std::uint64_t large = 0;

    static auto fields() {
        return harmony::plugin::fields(field("small", &Narrow::small), field("large", &Narrow::large));
    }
};

}  // namespace

TEST_CASE("an empty object gives the defaults of the struct") {
    auto params = read("{}");
    REQUIRE(params);
    CHECK(params->greeting == "hello");
    CHECK(params->port == 8080);
    CHECK_FALSE(params->token);
}

TEST_CASE("every kind of member is read and written back") {
    auto params = read(
        R"({"greeting":"hi","port":80,"ratio":1,"verbose":true,"mode":"careful","token":"t",
            "devices":[{"id":"edge-1","labels":{"zone":"a"}}]})");
    REQUIRE(params);
    CHECK(params->port == 80);
    CHECK(params->ratio == 1.0);
    CHECK(params->mode == sample::Mode::Careful);
    CHECK(params->token == "t");
    REQUIRE(params->devices.size() == 1);
    CHECK(params->devices[0].labels.at("zone") == "a");
    auto again = from_json<Parameters>(to_json(*params));
    REQUIRE(again);
    CHECK(to_json(*again) == to_json(*params));
}

TEST_CASE("what is wrong is named by its path, with what was found and what was expected") {
    struct Case {
        const char* text;
        const char* path;
        const char* says;
    };
    const Case cases[] = {
        {R"({"port":"x"})", "port", R"(port is "x", expected a whole number)"},
        {R"({"port":70000})", "port", "port is 70000, expected 0 to 65535"},
        {R"({"port":1.5})", "port", "port is 1.5, expected a whole number"},
        {R"({"ratio":2})", "ratio", "ratio is 2, expected 0 to 1"},
        {R"({"verbose":"yes"})", "verbose", R"(verbose is "yes", expected true or false)"},
        {R"({"mode":"slow"})", "mode", R"(mode is "slow", expected one of: fast, careful)"},
        {R"({"devices":{}})", "devices", "devices is an object, expected an array"},
        {R"({"devices":[{}]})", "devices[0].id", "devices[0].id is missing and has no default"},
        {R"({"devices":[{"id":"ok"},{"id":"Bad"}]})", "devices[1].id", R"(devices[1].id is "Bad")"},
        {R"({"devices":[{"id":"a","labels":{"k":1}}]})", "devices[0].labels.k", "expected a string"},
        {R"({"devices":[{"id":"a"},{"id":"b"},{"id":"c"},{"id":"d"}]})", "devices", "at most 3"},
        {R"({"prot":1})", "prot", "prot is unknown; known here: greeting, port"},
        {R"({"greeting":null})", "greeting", "greeting is null, expected a string"},
    };
    for (const auto& each : cases) {
        CAPTURE(each.text);
        auto params = read(each.text);
        REQUIRE_FALSE(params);
        CHECK(params.error().path == each.path);
        CHECK_THAT(params.error().summary, Catch::Contains(each.says));
        CHECK(params.error().status == HP_E_INVALID);
    }
}

TEST_CASE("a sensitive value is not repeated when it is wrong") {
    auto params = read(R"({"token":424242})");
    REQUIRE_FALSE(params);
    CHECK(params.error().path == "token");
    CHECK(params.error().summary.find("424242") == std::string::npos);
}

TEST_CASE("a message ignores members that it does not know") {
    auto json = Json::parse(R"({"id":"a","since":"level 2"})");
    REQUIRE(json);
    CHECK(from_json<sample::Device>(*json));
    CHECK_FALSE(from_json<sample::Device>(*json, UnknownMembers::Reject));
}

TEST_CASE("an integer must fit its type") {
    CHECK(from_json<Narrow>(Json::object({{"small", 255}})));
    CHECK_FALSE(from_json<Narrow>(Json::object({{"small", 256}})));
    CHECK_FALSE(from_json<Narrow>(Json::object({{"small", -1}})));
    CHECK_FALSE(from_json<Narrow>(Json::object({{"large", -1}})));
    CHECK(from_json<Narrow>(Json::object({{"small", 8.0}}))->small == 8);
}

TEST_CASE("the schema carries types, defaults, bounds, marks and documentation") {
    const Json schema = schema_of<Parameters>();
    const Json& properties = schema["properties"];
    CHECK(schema["additionalProperties"] == Json(false));
    CHECK(
        properties["port"].dump() ==
        R"({"default":8080,"description":"Where it listens","maximum":65535,"minimum":0,"type":"integer","x-env":"SAMPLE_PORT"})");
    CHECK(properties["token"].dump() ==
          R"({"description":"Who may call","type":"string","x-sensitive":true})");
    CHECK(properties["mode"]["enum"].dump() == R"(["fast","careful"])");
    CHECK(properties["greeting"]["x-flag"] == Json("greeting"));
    CHECK(properties["devices"]["maxItems"] == Json(3));
    CHECK(properties["devices"]["items"]["required"].dump() == R"(["id"])");
    CHECK(properties["devices"]["items"]["properties"]["id"]["pattern"] == Json("^[a-z][a-z0-9-]*$"));
}

TEST_CASE("what equals the default is left out where a field asks for it") {
    CHECK(to_json(Object{.kind = "file", .name = "a"}).dump() == R"({"kind":"file","name":"a"})");
    CHECK(to_json(Plan{}).dump() == R"({"steps":[]})");
}
