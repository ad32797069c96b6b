// Where the value of each parameter of a Score comes from.
//
// Highest first: --set and flags, what the last run recorded (destroy and status only), environment, the
// composition, a question on a terminal for what is required and missing, the schema's default.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "host/config/composition.hpp"
#include "host/config/environment.hpp"
#include "host/config/schema.hpp"
#include "host/output/problem.hpp"

namespace harmony::host {

// One value from the command line.
struct Assignment {
    std::string score;  // empty: for every selected Score that has the parameter
    ValuePath path;
    std::string text;
    std::string origin;  // "--set", "--from-tag"
};

// Asks for a required value that nothing gave. nullopt: no answer.
using Question = std::function<std::optional<std::string>(const std::string& score, const ValuePath& path,
                                                          const std::string& expected, bool secret)>;

struct ParameterInputs {
    const std::vector<Assignment>* assignments = nullptr;
    const Environment* environment = nullptr;
    const Composition* composition = nullptr;  // may be null
    const nlohmann::json* recorded = nullptr;  // may be null
    bool recorded_first = false;               // a saved plan: what it holds outranks everything
    Question ask;                              // empty: nobody is asked
};

struct ResolvedParameters {
    nlohmann::json settings = nlohmann::json::object();
    std::map<ValuePath, std::string> origins;

    // "default" where nothing else set it.
    [[nodiscard]] std::string origin(const ValuePath& path) const;
};

// `Score.path=value` or `path=value`; score_names tells which first words are Scores. Code usage.set.
[[nodiscard]] Outcome<Assignment> parse_assignment(const std::string& text,
                                                   const std::vector<std::string>& score_names);

// Checked against the schema. Code config.parameters: the summary names the first problem, detail the others.
[[nodiscard]] Outcome<ResolvedParameters> resolve_parameters(const std::string& score,
                                                             const nlohmann::json& schema,
                                                             const ParameterInputs& inputs);

// The variable for one field: HARMONY_CONFIG_<Score>__<PATH>.
[[nodiscard]] std::string variable_for(const std::string& score, const ValuePath& path);

}  // namespace harmony::host
