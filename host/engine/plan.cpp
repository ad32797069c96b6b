#include "host/engine/plan.hpp"

#include <set>

namespace harmony::host {
namespace {

using nlohmann::json;

std::string text_of(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool true_at(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && *found == true;
}

std::string shown(const json& value) {
    return value.is_string() ? value.get<std::string>()
                             : value.dump(-1, ' ', false, json::error_handler_t::replace);
}

tl::unexpected<Problem> bad_answer(const std::string& plugin, const std::string& what) {
    return failure("plugin.bad-answer", plugin + " answered wrongly: " + what,
                   "this is a defect of the plugin; report it to its author");
}

std::vector<Difference> parse_diff(const json& step) {
    std::vector<Difference> differences;
    if (!step.contains("diff") || !step["diff"].is_array()) return differences;
    for (const auto& item : step["diff"]) {
        if (!item.is_object()) continue;
        Difference difference;
        difference.path = text_of(item, "path");
        difference.sensitive = true_at(item, "sensitive");
        if (!difference.sensitive && item.contains("before") && !item["before"].is_null()) {
            difference.before = shown(item["before"]);
            difference.has_before = true;
        }
        if (!difference.sensitive && item.contains("after") && !item["after"].is_null()) {
            difference.after = shown(item["after"]);
            difference.has_after = true;
        }
        differences.push_back(std::move(difference));
    }
    return differences;
}

}  // namespace

Outcome<ScorePlan> parse_plan(const std::string& plugin, const json& answer) {
    if (!answer.is_object() || !answer.contains("steps") || !answer["steps"].is_array())
        return bad_answer(plugin, "score.plan has no list of steps");
    ScorePlan plan;
    plan.deferred = true_at(answer, "deferred");
    std::set<std::string> ids;
    for (const auto& item : answer["steps"]) {
        if (!item.is_object()) return bad_answer(plugin, "score.plan has a step that is no object");
        Step step;
        step.id = text_of(item, "id");
        step.action = text_of(item, "action");
        if (step.id.empty() || !ids.insert(step.id).second)
            return bad_answer(plugin, "score.plan has a step without an id of its own");
        if (step.action.empty()) return bad_answer(plugin, "step " + step.id + " has no action");
        if (item.contains("object") && item["object"].is_object()) {
            step.kind = text_of(item["object"], "kind");
            step.name = text_of(item["object"], "name");
        }
        step.summary = text_of(item, "summary");
        step.why = text_of(item, "why");
        step.destructive = true_at(item, "destructive");
        step.diff = parse_diff(item);
        step.raw = item;
        plan.steps.push_back(std::move(step));
    }
    return plan;
}

Outcome<std::vector<Check>> parse_checks(const std::string& plugin, const json& answer) {
    std::vector<Check> checks;
    if (!answer.is_object() || !answer.contains("checks") || !answer["checks"].is_array())
        return bad_answer(plugin, "score.verify has no list of checks");
    for (const auto& item : answer["checks"]) {
        if (!item.is_object() || !item.contains("ok") || !item["ok"].is_boolean())
            return bad_answer(plugin, "score.verify has a check that does not say whether it is ok");
        checks.push_back({text_of(item, "name"), item["ok"].get<bool>(), text_of(item, "detail")});
    }
    return checks;
}

json parse_objects(const json& answer) {
    if (answer.is_object() && answer.contains("objects") && answer["objects"].is_array())
        return answer["objects"];
    return json::array();
}

json to_json(const Step& step) {
    json document = {{"id", step.id}, {"action", step.action}};
    document["object"] = {{"kind", step.kind}, {"name", step.name}};
    if (!step.summary.empty()) document["summary"] = step.summary;
    if (!step.why.empty()) document["why"] = step.why;
    if (step.destructive) document["destructive"] = true;
    document["diff"] = json::array();
    for (const auto& difference : step.diff) {
        json item = {{"path", difference.path}};
        if (difference.sensitive) item["sensitive"] = true;
        if (difference.has_before) item["before"] = difference.before;
        if (difference.has_after) item["after"] = difference.after;
        document["diff"].push_back(std::move(item));
    }
    return document;
}

json to_json(const ScorePlan& plan) {
    json document = {{"steps", json::array()}};
    for (const auto& step : plan.steps)
        document["steps"].push_back(to_json(step));
    if (plan.deferred) document["deferred"] = true;
    return document;
}

}  // namespace harmony::host
