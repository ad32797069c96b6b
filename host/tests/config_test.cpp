#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "host/config/composition.hpp"
#include "host/config/glob.hpp"
#include "host/config/suggestion.hpp"
#include "host/config/value_path.hpp"
#include "host/config/yaml_document.hpp"
#include "host/engine/selection.hpp"
#include "host/output/style.hpp"

using namespace harmony::host;
using Catch::Contains;
using nlohmann::json;

TEST_CASE("The nearest word is suggested, and none when nothing is near") {
    const std::vector<std::string> words = {"FleetNatsScore", "FleetAgentScore", "apply"};
    CHECK(closest("FleetNatScore", words) == "FleetNatsScore");
    CHECK(closest("aplpy", words) == "apply");
    CHECK(closest("agent", words) == "FleetAgentScore");
    CHECK_FALSE(closest("zzzzzz", words));
    CHECK_FALSE(closest("fleet", words));
    CHECK(edit_distance("abcd", "abdc") == 1);
}

TEST_CASE("Globs match whole names") {
    CHECK(glob_matches("Fleet*", "FleetNatsScore"));
    CHECK(glob_matches("*Nats*", "FleetNatsScore"));
    CHECK(glob_matches("a?c", "abc"));
    CHECK(glob_matches("*", ""));
    CHECK_FALSE(glob_matches("Fleet", "FleetNatsScore"));
    CHECK_FALSE(glob_matches("*x", "abc"));
}

TEST_CASE("Paths are read, written and refused") {
    CHECK(ValuePath::parse("devices[0].labels.zone")->text() == "devices[0].labels.zone");
    CHECK(ValuePath::parse("a")->segments().size() == 1);
    for (const char* wrong : {"", ".", "a.", "a..b", "a[", "a[x]", "a[-1]", "a[99999999]", "[0", "a]b["}) {
        INFO(wrong);
        CHECK_FALSE(ValuePath::parse(wrong));
    }
    json value = json::object();
    CHECK(put_value(value, *ValuePath::parse("devices[0].id"), "x"));
    CHECK(value["devices"][0]["id"] == "x");
    CHECK_FALSE(put_value(value, *ValuePath::parse("devices[2].id"), "x"));
    CHECK_FALSE(put_value(value, *ValuePath::parse("devices[0].id.deeper"), "x"));
}

TEST_CASE("YAML errors say file, line and column") {
    auto broken = parse_yaml("a: [1,\nb: 2\n", "f.yaml");
    REQUIRE_FALSE(broken);
    CHECK(broken.error().diagnostic.summary.starts_with("f.yaml:"));
    auto twice = parse_yaml("a: 1\na: 2\n", "f.yaml");
    REQUIRE_FALSE(twice);
    CHECK_THAT(twice.error().diagnostic.summary, Contains("f.yaml:2:1") && Contains("twice"));
}

TEST_CASE("Aliases cannot blow a small file up") {
    std::string text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
    for (int i = 1; i < 9; ++i) {
        const auto before = std::to_string(i - 1);
        text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
        for (int k = 0; k < 10; ++k)
            text += (k == 0 ? "*a" : ",*a") + before;
        text += "]\n";
    }
    auto refused = parse_yaml(text, "f.yaml");
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().diagnostic.summary, Contains("100000"));
}

TEST_CASE("Plain scalars are typed as YAML has it, or as the schema asks") {
    auto document = parse_yaml("v: 1.10\nn: 3\nb: true\nq: \"3\"\n", "f.yaml");
    REQUIRE(document);
    const json plain = yaml_to_json(document->root);
    CHECK(plain["n"] == 3);
    CHECK(plain["b"] == true);
    CHECK(plain["q"] == "3");
    const json schema = {{"type", "object"}, {"properties", {{"v", {{"type", "string"}}}}}};
    CHECK(yaml_to_json(document->root, Schema(schema), schema)["v"] == "1.10");
}

TEST_CASE("What is written as YAML reads back the same") {
    const json value = {
        {"text", "3"}, {"word", "yes"}, {"n", 4}, {"empty", json::object()}, {"list", {1, "true", nullptr}}};
    auto document = parse_yaml(json_to_yaml(value), "f.yaml");
    REQUIRE(document);
    CHECK(yaml_to_json(document->root) == value);
}

TEST_CASE("A composition names each Score once and knows only its own fields") {
    CHECK(parse_composition("scores:\n  - score: A\n    with: {x: 1}\n", "h")->scores.size() == 1);
    const auto error = [](const char* text) {
        auto read = parse_composition(text, "h");
        return read ? std::string() : read.error().diagnostic.summary + " " + read.error().diagnostic.hint;
    };
    CHECK_THAT(error("scores:\n  - score: A\n  - score: A\n"), Contains("h:3:5") && Contains("twice"));
    CHECK_THAT(error("score:\n  - score: A\n"), Contains("h:1:1") && Contains("did you mean \"scores\""));
    CHECK_THAT(error("scores:\n  - scor: A\n"), Contains("h:2:5") && Contains("did you mean \"score\""));
    CHECK_THAT(error("scores:\n  - with: {}\n"), Contains("names no Score"));
    CHECK_THAT(error("- a\n"), Contains("expected a map"));
}

TEST_CASE("Scores are ordered by what they go after, and a circle is named") {
    const auto order = order_scores({"A", "B", "C"}, {{"A", {"C", "Absent"}}, {"C", {"B"}}});
    REQUIRE(order);
    CHECK(*order == std::vector<std::string>{"B", "C", "A"});
    const auto circle = order_scores({"A", "B"}, {{"A", {"B"}}, {"B", {"A"}}});
    REQUIRE_FALSE(circle);
    CHECK(circle.error().exit == ExitCode::Usage);
    CHECK_THAT(circle.error().diagnostic.summary, Contains("A, B"));
}

TEST_CASE("Foreign text cannot steer a terminal") {
    CHECK(printable("a\x1b[31mb\r\nc\x07") == "a?[31mb?\nc?");
}
