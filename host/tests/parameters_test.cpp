#include <catch2/catch.hpp>

#include "host/config/parameters.hpp"

using namespace harmony::host;
using Catch::Contains;
using nlohmann::json;

namespace {

const json kSchema =
    json::parse(R"({"type":"object","additionalProperties":false,"required":["name"],"properties":{
    "name":{"type":"string"},
    "port":{"type":"integer","default":1,"x-env":"SITE_PORT"},
    "limits":{"type":"object","default":{},"properties":{"memory_mb":{"type":"integer","default":64},
                                                           "cpu":{"type":"integer","default":1}}},
    "devices":{"type":"array","default":[],"items":{"type":"object","required":["id"],"properties":{
        "id":{"type":"string"},"slots":{"type":"integer","default":2}}}}}})");

Outcome<ResolvedParameters> resolve(const std::map<std::string, std::string>& variables, const char* yaml,
                                    const std::vector<std::string>& sets, const json* recorded = nullptr,
                                    Question ask = {}) {
    const Environment environment(variables);
    std::optional<Composition> composition;
    if (yaml != nullptr) composition = *parse_composition(yaml, "h.yaml");
    std::vector<Assignment> assignments;
    for (const auto& set : sets)
        assignments.push_back(*parse_assignment(set, {"SiteScore"}));
    ParameterInputs inputs;
    inputs.assignments = &assignments;
    inputs.environment = &environment;
    inputs.composition = composition ? &*composition : nullptr;
    inputs.recorded = recorded;
    inputs.ask = std::move(ask);
    return resolve_parameters("SiteScore", kSchema, inputs);
}

constexpr const char* kYaml = "scores:\n  - score: SiteScore\n    with:\n      name: a\n      port: 2\n";

}  // namespace

TEST_CASE("A higher source wins, and says so") {
    const ValuePath port = *ValuePath::parse("port");
    auto value = [&](auto&& resolved) { return resolved->settings["port"].template get<int>(); };
    auto origin = [&](auto&& resolved) { return resolved->origin(port); };
    auto defaults = resolve({}, nullptr, {"name=a"});
    CHECK((value(defaults) == 1 && origin(defaults) == "default"));
    auto file = resolve({}, kYaml, {});
    CHECK((value(file) == 2 && origin(file) == "h.yaml"));
    std::map<std::string, std::string> variables = {{"SITE_PORT", "3"}};
    auto own = resolve(variables, kYaml, {});
    CHECK((value(own) == 3 && origin(own) == "SITE_PORT"));
    variables["HARMONY_CONFIG_SiteScore"] = R"({"port":4})";
    CHECK(value(resolve(variables, kYaml, {})) == 4);
    variables["HARMONY_CONFIG_SiteScore__PORT"] = "5";
    auto field = resolve(variables, kYaml, {});
    CHECK((value(field) == 5 && origin(field) == "HARMONY_CONFIG_SiteScore__PORT"));
    const json recorded = {{"port", 6}};
    CHECK(value(resolve(variables, kYaml, {}, &recorded)) == 6);
    auto set = resolve(variables, kYaml, {"SiteScore.port=7"}, &recorded);
    CHECK((value(set) == 7 && origin(set) == "--set"));
}

TEST_CASE("Objects merge, lists are replaced, and list items get their defaults") {
    auto resolved = resolve({{"HARMONY_CONFIG_SiteScore__LIMITS__MEMORY_MB", "128"},
                             {"HARMONY_CONFIG_SiteScore__DEVICES__0__ID", "d1"}},
                            kYaml, {"devices[1].id=d2"});
    REQUIRE(resolved);
    CHECK(resolved->settings["limits"] == json({{"memory_mb", 128}, {"cpu", 1}}));
    CHECK(resolved->settings["devices"] == json::parse(R"([{"id":"d1","slots":2},{"id":"d2","slots":2}])"));
}

TEST_CASE("What is missing or wrong names every way to give it") {
    auto missing = resolve({}, nullptr, {});
    REQUIRE_FALSE(missing);
    CHECK(missing.error().exit == ExitCode::Usage);
    CHECK_THAT(missing.error().diagnostic.summary, Contains("SiteScore.name"));
    CHECK_THAT(missing.error().diagnostic.hint, Contains("HARMONY_CONFIG_SiteScore__NAME"));
    auto unknown = resolve({{"HARMONY_CONFIG_SiteScore__PROT", "1"}}, kYaml, {});
    REQUIRE_FALSE(unknown);
    CHECK_THAT(unknown.error().diagnostic.hint, Contains("\"port\""));
    auto gap = resolve({}, kYaml, {"devices[3].id=x"});
    REQUIRE_FALSE(gap);
    auto no_json = resolve({{"HARMONY_CONFIG_SiteScore", "{"}}, kYaml, {});
    REQUIRE_FALSE(no_json);
    CHECK_THAT(no_json.error().diagnostic.summary, Contains("holds no JSON"));
}

TEST_CASE("A person is asked only for what is required and missing") {
    int asked = 0;
    auto resolved = resolve({}, nullptr, {}, nullptr,
                            [&](const std::string&, const ValuePath& path, const std::string&, bool secret) {
                                ++asked;
                                CHECK(path.text() == "name");
                                CHECK_FALSE(secret);
                                return std::optional<std::string>("typed");
                            });
    REQUIRE(resolved);
    CHECK(asked == 1);
    CHECK(resolved->settings["name"] == "typed");
    CHECK(resolved->origin(*ValuePath::parse("name")) == "prompt");
}
