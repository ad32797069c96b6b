#include "host/commands/scenario_report.hpp"

#include <algorithm>
#include <cstdio>
#include <ostream>

#include "host/output/document.hpp"
#include "host/output/progress.hpp"
#include "host/output/table.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

std::string text_of(const json& object, const char* member) {
    const auto found = object.find(member);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

template <class Item>
void each_object(const json& answer, const char* member, Item item) {
    const auto found = answer.find(member);
    if (found == answer.end() || !found->is_array()) return;
    for (const auto& entry : *found)
        if (entry.is_object()) item(entry);
}

std::vector<NamedText> named_texts(const json& answer, const char* member, const char* name,
                                   const char* text) {
    std::vector<NamedText> items;
    each_object(answer, member, [&](const json& entry) {
        items.push_back({text_of(entry, name), text_of(entry, text)});
    });
    return items;
}

std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

std::string escaped(const std::string& text) {
    std::string result;
    for (const char c : printable(text)) {
        switch (c) {
            case '&':
                result += "&amp;";
                break;
            case '<':
                result += "&lt;";
                break;
            case '>':
                result += "&gt;";
                break;
            case '"':
                result += "&quot;";
                break;
            default:
                result += c;
        }
    }
    return result;
}

std::string number(double seconds) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3f", seconds);
    return text;
}

std::string steps_text(const ScenarioReport& report) {
    std::string text;
    for (const auto& step : report.steps) {
        text += (step.ok ? "ok      " : "FAILED  ") + step.name + " (" + seconds_text(step.seconds) + ")\n";
        if (!step.detail.empty()) text += "        " + step.detail + "\n";
    }
    return text;
}

std::string logs_text(const ScenarioReport& report) {
    std::string text;
    for (const auto& log : report.logs) {
        text += "== " + log.name + "\n";
        for (const auto& line : log.lines)
            text += line + "\n";
    }
    return text;
}

std::string junit_case(const ScenarioReport& report) {
    std::string text = "  <testcase classname=\"harmony.e2e\" name=\"" + escaped(report.name) + "\" time=\"" +
                       number(report.seconds) + "\">\n";
    const std::string message = "message=\"" + escaped(first_line(report.reason)) + "\"";
    switch (report.outcome) {
        case ScenarioOutcome::Passed:
            break;
        case ScenarioOutcome::Failed:
            text += "    <failure " + message + ">" + escaped(report.reason) + "</failure>\n";
            break;
        case ScenarioOutcome::Skipped:
            text += "    <skipped " + message + "/>\n";
            break;
        case ScenarioOutcome::Interrupted:
            text += "    <error " + message + "/>\n";
            break;
    }
    if (!report.steps.empty()) text += "    <system-out>" + escaped(steps_text(report)) + "</system-out>\n";
    if (!report.logs.empty()) text += "    <system-err>" + escaped(logs_text(report)) + "</system-err>\n";
    return text + "  </testcase>\n";
}

std::ptrdiff_t count(const std::vector<ScenarioReport>& reports, ScenarioOutcome outcome) {
    return std::ranges::count(reports, outcome, &ScenarioReport::outcome);
}

json document_of(const ScenarioReport& report) {
    json document = {{"scenario", report.name},
                     {"context", report.context},
                     {"outcome", to_string(report.outcome)},
                     {"passed", report.outcome == ScenarioOutcome::Passed},
                     {"reason", report.reason},
                     {"seconds", report.seconds},
                     {"kept", report.kept},
                     {"steps", json::array()},
                     {"artifacts", json::array()},
                     {"commands", json::array()},
                     {"logs", json::array()}};
    for (const auto& step : report.steps)
        document["steps"].push_back(
            {{"name", step.name}, {"ok", step.ok}, {"detail", step.detail}, {"seconds", step.seconds}});
    for (const auto& artifact : report.artifacts)
        document["artifacts"].push_back({{"name", artifact.name}, {"path", artifact.text}});
    for (const auto& command : report.commands)
        document["commands"].push_back({{"explanation", command.name}, {"command", command.text}});
    for (const auto& log : report.logs)
        document["logs"].push_back({{"name", log.name}, {"lines", log.lines}});
    return document;
}

void print_pairs(std::ostream& err, const std::vector<NamedText>& items) {
    std::size_t width = 0;
    for (const auto& item : items)
        width = std::max(width, item.name.size());
    for (const auto& item : items) {
        const std::string gap(width - item.name.size() + 2, ' ');
        err << "  " << printable(item.name) << gap << printable(item.text) << "\n";
    }
}

}  // namespace

std::string_view to_string(ScenarioOutcome outcome) {
    switch (outcome) {
        case ScenarioOutcome::Passed:
            return "passed";
        case ScenarioOutcome::Failed:
            return "failed";
        case ScenarioOutcome::Skipped:
            return "skipped";
        case ScenarioOutcome::Interrupted:
            return "interrupted";
    }
    return "failed";
}

void read_answer(const json& answer, ScenarioReport& report) {
    each_object(answer, "steps", [&](const json& step) {
        const auto duration = step.find("duration_ms");
        report.steps.push_back(
            {text_of(step, "name"), step.contains("ok") && step["ok"] == true, text_of(step, "detail"),
             duration != step.end() && duration->is_number() ? duration->get<double>() / 1000.0 : 0});
    });
    report.artifacts = named_texts(answer, "artifacts", "name", "path");
    report.commands = named_texts(answer, "commands", "explanation", "command");
    each_object(answer, "logs", [&](const json& log) {
        ScenarioLogLines lines{text_of(log, "name"), {}};
        const auto found = log.find("lines");
        if (found != log.end() && found->is_array()) {
            for (const auto& line : *found)
                if (line.is_string()) lines.lines.push_back(line.get<std::string>());
        }
        report.logs.push_back(std::move(lines));
    });
    if (const std::string skipped = text_of(answer, "skipped"); !skipped.empty()) {
        report.outcome = ScenarioOutcome::Skipped;
        report.reason = skipped;
        return;
    }
    const auto failed = std::ranges::find(report.steps, false, &ScenarioStepResult::ok);
    const bool passed = answer.contains("passed") && answer["passed"] == true;
    if (passed && failed == report.steps.end()) {
        report.outcome = ScenarioOutcome::Passed;
    } else if (failed != report.steps.end()) {
        report.reason = failed->name + ": " + (failed->detail.empty() ? "failed" : failed->detail);
    } else {
        report.reason = "it did not pass, and no step says why";
    }
}

void print_evidence(Application& application, const ScenarioReport& report) {
    auto& err = application.streams().err;
    const auto& style = application.err_style();
    if (report.outcome == ScenarioOutcome::Failed) {
        for (const auto& log : report.logs) {
            err << style.bold("the last lines of " + printable(log.name)) << "\n";
            for (const auto& line : log.lines)
                err << "  " << printable(line) << "\n";
        }
    }
    if (report.kept) {
        err << style.bold("kept: context " + report.context) << "\n";
        print_pairs(err, report.artifacts);
        err << "look further:\n";
        print_pairs(err, report.commands);
        err << "take it away:\n  harmony e2e clean " << report.context << "\n";
    }
    err.flush();
}

void print_reports(Application& application, const std::vector<ScenarioReport>& reports) {
    json items = json::array();
    Table table({"SCENARIO", "RESULT", "TIME", "REASON"});
    for (const auto& report : reports) {
        table.add({report.name, std::string(to_string(report.outcome)), seconds_text(report.seconds),
                   first_line(report.reason)});
        items.push_back(document_of(report));
    }
    const bool passed = std::ranges::all_of(reports, [](const ScenarioReport& report) {
        return report.outcome == ScenarioOutcome::Passed || report.outcome == ScenarioOutcome::Skipped;
    });
    if (!application.print_json("e2e-run/1", {{"passed", passed}, {"scenarios", items}}))
        table.print(application.streams().out, application.out_style());
}

std::string junit_xml(const std::vector<ScenarioReport>& reports) {
    std::string cases;
    double seconds = 0;
    for (const auto& report : reports) {
        cases += junit_case(report);
        seconds += report.seconds;
    }
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"harmony.e2e\" tests=\"" +
           std::to_string(reports.size()) + "\" failures=\"" +
           std::to_string(count(reports, ScenarioOutcome::Failed)) + "\" skipped=\"" +
           std::to_string(count(reports, ScenarioOutcome::Skipped)) + "\" errors=\"" +
           std::to_string(count(reports, ScenarioOutcome::Interrupted)) + "\" time=\"" + number(seconds) +
           "\">\n" + cases + "</testsuite>\n";
}

}  // namespace harmony::host
