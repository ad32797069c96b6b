// A plan kept in a file and applied later exactly as it was shown, or refused.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "host/engine/run.hpp"
#include "host/output/problem.hpp"

namespace harmony::host {

struct SavedScore {
    std::string name;
    nlohmann::json settings;  // without secrets; these come from the environment and the composition again
    nlohmann::json plan;
};

struct SavedPlan {
    std::string context;
    std::string created_at;
    std::vector<SavedScore> scores;  // in order
};

[[nodiscard]] Outcome<void> save_plan(const std::string& file, const std::string& context,
                                      const std::vector<ScoreTask>& tasks);
// Code usage.saved-plan.
[[nodiscard]] Outcome<SavedPlan> load_plan(const std::string& file);

// Code run.drift: what exists has changed since the plan was made.
[[nodiscard]] Outcome<void> check_drift(const SavedPlan& saved, const std::vector<ScoreTask>& tasks);

}  // namespace harmony::host
