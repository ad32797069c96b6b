// Objects as YAML, with the places in them where a template puts its values.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace harmony::fleet_operator {

// By the text that stands for it in an object, such as "@image@".
struct TemplateValues {
    // Written as it is where the placeholder is a whole text: `{{ int .Values.replicas }}`. Inside a longer
    // text the expression in `inner` takes its place, between quotes.
    struct Value {
        std::string whole;
        std::string inner{};
    };
    std::map<std::string, Value> values;
    // A member of that name is only written where the condition holds: `.Values.image_pull_secret`.
    std::map<std::string, std::string> conditional_members;
};

// One document, keys sorted, ends with a newline. Every text that YAML could take for something else is
// quoted.
[[nodiscard]] std::string yaml_of(const nlohmann::json& object, const TemplateValues& places = {});

}  // namespace harmony::fleet_operator
