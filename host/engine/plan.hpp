// A Score's plan and what came of it, parsed once from what the plugin answered.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/output/problem.hpp"

namespace harmony::host {

struct Difference {
    std::string path;
    std::string before;  // as shown; empty when absent
    std::string after;
    bool has_before = false;
    bool has_after = false;
    bool sensitive = false;
};

struct Step {
    std::string id;
    std::string action;
    std::string kind;
    std::string name;
    std::string summary;
    std::string why;
    bool destructive = false;
    std::vector<Difference> diff;
    nlohmann::json raw;  // what goes back to the plugin, unchanged

    [[nodiscard]] std::string object() const { return kind.empty() ? name : kind + " " + name; }
};

struct ScorePlan {
    std::vector<Step> steps;
    bool deferred = false;
};

struct Check {
    std::string name;
    bool ok = false;
    std::string detail;
};

// An answer that breaks plugin-api/spec/methods.md is code plugin.bad-answer.
[[nodiscard]] Outcome<ScorePlan> parse_plan(const std::string& plugin, const nlohmann::json& answer);
[[nodiscard]] Outcome<std::vector<Check>> parse_checks(const std::string& plugin,
                                                       const nlohmann::json& answer);
// The objects of an answer, as an array; empty when it names none.
[[nodiscard]] nlohmann::json parse_objects(const nlohmann::json& answer);

// Steps as they are saved and compared: without anything a plugin marked sensitive.
[[nodiscard]] nlohmann::json to_json(const Step& step);
[[nodiscard]] nlohmann::json to_json(const ScorePlan& plan);

}  // namespace harmony::host
