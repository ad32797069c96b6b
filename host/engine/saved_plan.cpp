#include "host/engine/saved_plan.hpp"

#include "host/config/files.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "saved-plan/1";

tl::unexpected<Problem> not_a_plan(const std::string& file, const std::string& why) {
    return usage_problem("usage.saved-plan", file + " is no saved plan: " + why,
                         "make one with `harmony plan --out FILE`");
}

}  // namespace

Outcome<void> save_plan(const std::string& file, const std::string& context,
                        const std::vector<ScoreTask>& tasks) {
    json scores = json::array();
    for (const auto& task : tasks) {
        scores.push_back({{"score", task.name},
                          {"settings", Schema(task.unit.schema).without_secrets(task.parameters.settings)},
                          {"plan", to_json(task.plan)}});
    }
    const json document = {
        {"format", kFormat}, {"context", context}, {"created_at", timestamp_now()}, {"scores", scores}};
    return write_file(file, document.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
}

Outcome<SavedPlan> load_plan(const std::string& file) {
    auto text = read_file(file);
    if (!text) return tl::unexpected(text.error());
    if (!*text) return not_a_plan(file, "there is no such file");
    try {
        const json document = json::parse(**text);
        if (document.at("format") != kFormat) return not_a_plan(file, "it has another format");
        SavedPlan saved{
            document.at("context").get<std::string>(), document.at("created_at").get<std::string>(), {}};
        for (const auto& score : document.at("scores"))
            saved.scores.push_back(
                {score.at("score").get<std::string>(), score.at("settings"), score.at("plan")});
        return saved;
    } catch (const json::exception&) {
        return not_a_plan(file, "its JSON is damaged or lacks fields");
    }
}

Outcome<void> check_drift(const SavedPlan& saved, const std::vector<ScoreTask>& tasks) {
    for (const auto& score : saved.scores) {
        for (const auto& task : tasks) {
            if (task.name != score.name) continue;
            if (to_json(task.plan) == score.plan) continue;
            return failure("run.drift",
                           task.name + " would be changed in another way than the plan of " +
                               saved.created_at + " says: something has changed since",
                           "look at a new plan: harmony plan");
        }
    }
    return {};
}

}  // namespace harmony::host
