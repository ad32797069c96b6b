// What became of scenarios: for people, for programs, and as JUnit's XML.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "host/cli/application.hpp"

namespace harmony::host {

enum class ScenarioOutcome { Passed, Failed, Skipped, Interrupted };
[[nodiscard]] std::string_view to_string(ScenarioOutcome outcome);  // "passed", ...

struct ScenarioStepResult {
    std::string name;
    bool ok = false;
    std::string detail;
    double seconds = 0;
};

struct NamedText {
    std::string name;
    std::string text;
};

struct ScenarioLogLines {
    std::string name;
    std::vector<std::string> lines;
};

struct ScenarioReport {
    std::string name;
    std::string context;
    ScenarioOutcome outcome = ScenarioOutcome::Failed;
    std::string reason;  // of everything but Passed
    double seconds = 0;
    bool kept = false;
    std::vector<ScenarioStepResult> steps;
    std::vector<NamedText> artifacts;  // name and path
    std::vector<NamedText> commands;   // explanation and command
    std::vector<ScenarioLogLines> logs;
};

// Takes over what a plugin answered to scenario.run. What is not as plugin-api/spec/methods.md has it is left
// out; without a clear `passed` it has failed.
void read_answer(const nlohmann::json& answer, ScenarioReport& report);

// On stderr, after a scenario: its logs where it failed, and where to look where it was kept.
void print_evidence(Application& application, const ScenarioReport& report);

// The table, or with --output json the document e2e-run/1.
void print_reports(Application& application, const std::vector<ScenarioReport>& reports);

[[nodiscard]] std::string junit_xml(const std::vector<ScenarioReport>& reports);

}  // namespace harmony::host
