#include <catch2/catch.hpp>
#include <harmony/plugin/json.hpp>

using harmony::plugin::Json;

TEST_CASE("a JSON value survives printing and parsing") {
    const Json value = Json::object({{"text", "a \"quoted\" wörd"},
                                     {"whole", -7},
                                     {"number", 0.25},
                                     {"yes", true},
                                     {"none", nullptr},
                                     {"list", Json::array({1, "two", Json::object()})}});
    auto parsed = Json::parse(value.dump());
    REQUIRE(parsed);
    CHECK(*parsed == value);
    CHECK((*parsed)["list"].items()[1].string_or("") == "two");
    CHECK((*parsed)["absent"].is_null());
}

TEST_CASE("members are printed sorted, whatever order they came in") {
    auto parsed = Json::parse(R"({"b":1,"a":{"d":2,"c":3}})");
    REQUIRE(parsed);
    CHECK(parsed->dump() == R"({"a":{"c":3,"d":2},"b":1})");
}

TEST_CASE("what is not JSON is refused without repeating it") {
    for (const char* text : {"", "{", "[1,]", "{\"a\":hunter2}", "1 2", "\"\xff\"", "nul"}) {
        CAPTURE(text);
        auto parsed = Json::parse(text);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().status == HP_E_INVALID);
        CHECK(parsed.error().summary.find("hunter2") == std::string::npos);
    }
}

TEST_CASE("nesting beyond the limit is refused and at the limit accepted") {
    const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    CHECK(Json::parse(nested(Json::kMaxDepth)));
    CHECK_FALSE(Json::parse(nested(Json::kMaxDepth + 1)));
    CHECK_FALSE(Json::parse(std::string(1000000, '[')));
}

TEST_CASE("printing replaces bytes that are not UTF-8") {
    CHECK(Json::parse(Json("bad \xff byte").dump()));
}

TEST_CASE("a later member of the same name wins") {
    auto parsed = Json::parse(R"({"a":1,"a":2})");
    REQUIRE(parsed);
    CHECK((*parsed)["a"].integer_or(0) == 2);
}
