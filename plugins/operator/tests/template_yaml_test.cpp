#include "template_yaml.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace harmony::fleet_operator;
using nlohmann::json;

TEST_CASE("objects are written as YAML that reads the same") {
    const auto object = json::parse(R"({"a":{"empty":{},"none":[]},"list":["x",{"k":1,"m":{"n":true}},["p"]],
        "text":["yes","1","1.5","","- x","a: b","#c","tab\t","null","v1.2","apps/v1"]})");
    CHECK(yaml_of(object) ==
          "a:\n  empty: {}\n  none: []\nlist:\n  - x\n  - k: 1\n    m:\n      \"n\": true\n  - - p\n"
          "text:\n  - \"yes\"\n  - \"1\"\n  - \"1.5\"\n  - \"\"\n  - \"- x\"\n  - \"a: b\"\n  - \"#c\"\n"
          "  - \"tab\\t\"\n  - \"null\"\n  - v1.2\n  - apps/v1\n");
}

TEST_CASE("places are filled with expressions, conditions stand around their members") {
    const TemplateValues places{{{"@n@", {"{{ .N | toJson }}", "{{ .N }}"}}}, {{"maybe", ".Values.maybe"}}};
    CHECK(yaml_of(json{{"maybe", {{"x", 1}}}, {"whole", "@n@"}, {"part", "a-@n@"}}, places) ==
          "{{- if .Values.maybe }}\nmaybe:\n  x: 1\n{{- end }}\npart: \"a-{{ .N }}\"\nwhole: {{ .N | toJson "
          "}}\n");
}
