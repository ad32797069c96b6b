#include "host/output/plan_text.hpp"

#include <map>
#include <ostream>
#include <sstream>

#include "host/output/document.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestLine = 160;

std::string one_line(const std::string& text) {
    std::string line = printable(text);
    for (auto& c : line)
        if (c == '\n') c = ' ';
    if (line.size() > kLongestLine) line = line.substr(0, kLongestLine) + "…";
    return line;
}

void print_difference(std::ostream& out, const Style& style, const Difference& difference) {
    const std::string path = difference.path.empty() ? "" : one_line(difference.path) + ": ";
    if (difference.sensitive) {
        out << "        " << style.yellow("~") << " " << path << "(sensitive)\n";
        return;
    }
    if (difference.before.find('\n') == std::string::npos &&
        difference.after.find('\n') == std::string::npos) {
        if (difference.has_before && difference.has_after) {
            out << "        " << style.yellow("~") << " " << path << one_line(difference.before) << " → "
                << one_line(difference.after) << "\n";
        } else if (difference.has_after) {
            out << "        " << style.green("+") << " " << path << one_line(difference.after) << "\n";
        } else {
            out << "        " << style.red("-") << " " << path << one_line(difference.before) << "\n";
        }
        return;
    }
    out << "        " << style.yellow("~") << " " << path << "\n";
    auto lines = [&](const std::string& text, const std::string& mark) {
        std::istringstream stream(text);
        for (std::string line; std::getline(stream, line);)
            out << "          " << mark << " " << one_line(line) << "\n";
    };
    lines(difference.before, style.red("-"));
    lines(difference.after, style.green("+"));
}

std::string marked_action(const Style& style, const std::string& action) {
    if (action == "create") return style.green("+ create");
    if (action == "delete") return style.red("- delete");
    return style.yellow("~ " + one_line(action));
}

void print_step(std::ostream& out, const Style& style, const Step& step) {
    out << "    " << marked_action(style, step.action) << " " << one_line(step.object());
    if (!step.summary.empty()) out << style.dim(": " + one_line(step.summary));
    if (step.destructive) out << " " << style.red("(deletes data)");
    out << "\n";
    if (!step.why.empty()) out << "        " << style.dim("because " + one_line(step.why)) << "\n";
    for (const auto& difference : step.diff)
        print_difference(out, style, difference);
}

}  // namespace

void print_plan(std::ostream& out, const Style& style, const std::vector<ScoreTask>& tasks) {
    std::map<std::string, int> counts;
    bool deferred = false;
    for (const auto& task : tasks) {
        out << style.bold(task.name);
        if (task.problem) {
            out << ": " << style.red("cannot be planned") << ": "
                << one_line(task.problem->diagnostic.summary) << "\n";
            continue;
        }
        if (task.plan.steps.empty() && !task.plan.deferred) out << style.dim("  nothing to change");
        if (task.plan.deferred) out << style.dim("  known in full only after the Scores before it");
        out << "\n";
        deferred = deferred || task.plan.deferred;
        for (const auto& step : task.plan.steps) {
            print_step(out, style, step);
            ++counts[step.action];
        }
    }
    if (counts.empty() && !deferred) {
        out << "Nothing to change.\n";
        return;
    }
    std::string line;
    for (const auto& [action, count] : counts)
        line += (line.empty() ? "" : ", ") + std::to_string(count) + " to " + action;
    if (deferred)
        line += line.empty() ? "more once the first Scores are there" : ", more once the first are there";
    out << "Plan: " << line << ".\n";
}

json plan_document(const std::vector<ScoreTask>& tasks) {
    json scores = json::array();
    for (const auto& task : tasks) {
        json score = to_json(task.plan);
        score["score"] = task.name;
        if (task.problem) score["error"] = diagnostic_document(task.problem->diagnostic);
        scores.push_back(std::move(score));
    }
    return {{"changes", has_work(tasks)}, {"scores", std::move(scores)}};
}

}  // namespace harmony::host
