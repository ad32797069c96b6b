#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "host/config/schema.hpp"

using namespace harmony::host;
using Catch::Contains;
using nlohmann::json;

namespace {

std::string first_problem(const char* schema, const char* value) {
    const json document = json::parse(schema);
    const auto problems = Schema(document).check(json::parse(value));
    return problems.empty() ? "" : problems.front().text();
}

}  // namespace

TEST_CASE("Each keyword accepts what it allows and refuses the rest") {
    struct Row {
        const char* schema;
        const char* good;
        const char* bad;
    };
    const auto row = GENERATE(values<Row>({
        {R"({"type":"integer"})", "3", "3.5"},
        {R"({"type":"integer"})", "3.0", "\"3\""},
        {R"({"type":["string","null"]})", "null", "3"},
        {R"({"enum":["a",1]})", "1", "2"},
        {R"({"const":{"a":1}})", R"({"a":1})", R"({"a":2})"},
        {R"({"minimum":2})", "2", "1"},
        {R"({"maximum":2})", "2", "3"},
        {R"({"exclusiveMinimum":2})", "2.1", "2"},
        {R"({"exclusiveMaximum":2})", "1.9", "2"},
        {R"({"multipleOf":0.1})", "0.3", "0.35"},
        {R"({"minLength":2})", "\"äö\"", "\"ä\""},
        {R"({"maxLength":1})", "\"ä\"", "\"ab\""},
        {R"({"pattern":"^a+$"})", "\"aa\"", "\"ab\""},
        {R"({"minItems":1})", "[1]", "[]"},
        {R"({"maxItems":1})", "[1]", "[1,2]"},
        {R"({"uniqueItems":true})", "[1,2]", "[1,1]"},
        {R"({"items":{"type":"integer"}})", "[1]", "[\"a\"]"},
        {R"({"prefixItems":[{"type":"string"}],"items":false})", "[\"a\"]", "[\"a\",1]"},
        {R"({"contains":{"const":1}})", "[2,1]", "[2]"},
        {R"({"required":["a"]})", R"({"a":1})", "{}"},
        {R"({"properties":{"a":{"type":"string"}}})", R"({"b":1})", R"({"a":1})"},
        {R"({"additionalProperties":false})", "{}", R"({"a":1})"},
        {R"({"additionalProperties":{"type":"string"}})", R"({"a":"b"})", R"({"a":1})"},
        {R"({"patternProperties":{"^x":{"type":"string"}},"additionalProperties":false})", R"({"xy":"b"})",
         R"({"y":1})"},
        {R"({"propertyNames":{"pattern":"^a"}})", R"({"ab":1})", R"({"b":1})"},
        {R"({"minProperties":1})", R"({"a":1})", "{}"},
        {R"({"maxProperties":0})", "{}", R"({"a":1})"},
        {R"({"dependentRequired":{"a":["b"]}})", R"({"a":1,"b":2})", R"({"a":1})"},
        {R"({"allOf":[{"minimum":1},{"maximum":2}]})", "2", "3"},
        {R"({"anyOf":[{"type":"string"},{"minimum":2}]})", "2", "1"},
        {R"({"oneOf":[{"minimum":1},{"minimum":2}]})", "1", "2"},
        {R"({"not":{"type":"string"}})", "1", "\"a\""},
        {R"({"if":{"minimum":5},"then":{"multipleOf":5},"else":{"multipleOf":2}})", "10", "6"},
        {R"({"$defs":{"n":{"type":"integer"}},"properties":{"a":{"$ref":"#/$defs/n"}}})", R"({"a":1})",
         R"({"a":"x"})"},
        {R"({"$defs":{"n":{"type":"integer"}},"properties":{"a":{"$ref":"#/$defs/n","minimum":3}}})",
         R"({"a":3})", R"({"a":1})"},
        {"true", "1", "1"},
        {"false", "1", "1"},
    }));
    INFO(row.schema);
    if (std::string(row.schema) != "false") CHECK(first_problem(row.schema, row.good).empty());
    if (std::string(row.schema) != "true") CHECK_FALSE(first_problem(row.schema, row.bad).empty());
}

TEST_CASE("A problem names the place, what was found and what was expected") {
    CHECK(first_problem(R"({"properties":{"devices":{"items":{"properties":{"id":{"type":"string"}}}}}})",
                        R"({"devices":[{"id":"a"},{"id":3}]})") == "devices[1].id: found 3, expected text");
    CHECK(first_problem(R"({"enum":["fast","slow"]})", "\"fats\"") ==
          "found \"fats\", expected \"fast\" or \"slow\"");
}

TEST_CASE("A schema that refers to itself in a circle ends") {
    CHECK(first_problem(R"({"$ref":"#"})", "1").empty());
    const json nested = json::parse(R"({"type":"object","properties":{"next":{"$ref":"#"}}})");
    json value = json::object();
    for (int i = 0; i < 500; ++i)
        value = {{"next", value}};
    CHECK(Schema(nested).check(value).empty());
    CHECK_FALSE(Schema(nested).declared().empty());
}

TEST_CASE("Secrets are masked, removed and never quoted") {
    const json schema = json::parse(
        R"({"properties":{"users":{"items":{"properties":{"password":{"type":"string","x-sensitive":true}}}}}})");
    const json value = json::parse(R"({"users":[{"name":"a","password":"hunter2"}]})");
    CHECK(Schema(schema).masked(value)["users"][0]["password"] == "***");
    CHECK_FALSE(Schema(schema).without_secrets(value)["users"][0].contains("password"));
    const auto problems = Schema(schema).check(json::parse(R"({"users":[{"password":12345}]})"));
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].text().find("12345") == std::string::npos);
}

TEST_CASE("Text is typed by the schema") {
    const json schema = json::parse(R"({"type":"object","properties":{
        "n":{"type":"integer"},"s":{"type":"string"},"b":{"type":"boolean"},
        "list":{"type":"array","items":{"type":"integer"}},"o":{"type":"object"},
        "maybe":{"type":["integer","null"]},"either":{"anyOf":[{"type":"integer"},{"type":"string"}]}}})");
    const Schema typed(schema);
    const auto at = [&](const char* path, const char* text) {
        return typed.typed(*ValuePath::parse(path), text);
    };
    CHECK(at("n", "3") == 3);
    CHECK(at("n", "x") == "x");
    CHECK(at("s", "3") == "3");
    CHECK(at("b", "true") == true);
    CHECK(at("list", "1,2") == json({1, 2}));
    CHECK(at("list", "[1]") == json({1}));
    CHECK(at("list[0]", "7") == 7);
    CHECK(at("o", R"({"a":1})") == json({{"a", 1}}));
    CHECK(at("maybe", "null").is_null());
    CHECK(at("either", "5") == 5);
    CHECK(at("either", "five") == "five");
}

TEST_CASE("A secret is one beside a reference, in a branch, and by the pattern of its name too") {
    const json schema = json::parse(R"({"$defs":{"word":{"type":"string"}},
        "properties":{"a":{"$ref":"#/$defs/word","x-sensitive":true},
                      "b":{"anyOf":[{"type":"null"},{"type":"string","x-sensitive":true}]}},
        "patternProperties":{"^key-":{"x-sensitive":true}},
        "allOf":[{"properties":{"c":{"x-sensitive":true}}}],
        "if":{"required":["d"]},"then":{"properties":{"d":{"x-sensitive":true}}}})");
    const json value = {{"a", "1"}, {"b", "2"}, {"key-1", "3"}, {"c", "4"}, {"d", "5"}, {"open", "6"}};
    CHECK(Schema(schema).without_secrets(value) == json{{"open", "6"}});
    for (const char* path : {"a", "b", "key-1", "c", "d"})
        CHECK(Schema(schema).sensitive(*ValuePath::parse(path)));
    CHECK_FALSE(Schema(schema).sensitive(*ValuePath::parse("open")));
    const json circle = json::parse(R"({"$ref":"#","properties":{"inner":{"$ref":"#"}}})");
    CHECK(Schema(circle).masked(json::parse(R"({"inner":{"inner":1}})"))["inner"]["inner"] == 1);
}

TEST_CASE("A flag whose description is no text has none") {
    const json schema = json::parse(R"({"properties":{"a":{"x-flag":"a","description":5}}})");
    REQUIRE(Schema(schema).flags().size() == 1);
    CHECK(Schema(schema).flags()[0].summary.empty());
}
