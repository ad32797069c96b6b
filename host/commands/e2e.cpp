#include <chrono>
#include <filesystem>
#include <ostream>

#include "host/cli/application.hpp"
#include "host/commands/registry.hpp"
#include "host/commands/score_runs.hpp"
#include "host/config/files.hpp"
#include "host/config/glob.hpp"
#include "host/config/suggestion.hpp"
#include "host/output/document.hpp"
#include "host/output/progress.hpp"
#include "host/output/table.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

struct ScenarioResult {
    std::string name;
    bool passed = false;
    std::string reason;
    double seconds = 0;
    json steps = json::array();
    json artifacts = json::array();
};

// A scenario works in a context of its own, beside the user's.
class ScenarioContext {
 public:
    ScenarioContext(Application& application, Workspace& workspace, Progress& progress)
        : application_(application), workspace_(workspace), progress_(progress) {}

    tl::expected<json, Diagnostic> serve(const json& params) {
        auto done = score(params);
        if (!done) return tl::unexpected(done.error().diagnostic);
        return json{{"steps", *done}};
    }

    // Takes away what the scenario left.
    Outcome<void> clean() {
        auto records = Records(workspace_.options().state_folder).all();
        if (!records) return tl::unexpected(records.error());
        std::vector<std::string> order = applied_;
        for (auto name = order.rbegin(); name != order.rend(); ++name) {
            const auto record = records->find(*name);
            if (record == records->end()) continue;
            auto gone = score({{"name", *name}, {"purpose", "destroy"}, {"settings", settings_[*name]}});
            if (!gone) return tl::unexpected(gone.error());
        }
        if (!applied_.empty()) {
            if (auto released = workspace_.release(); !released) return released;
        }
        std::error_code ignored;
        std::filesystem::remove_all(workspace_.options().state_folder, ignored);
        return {};
    }

 private:
    Outcome<std::size_t> score(const json& params) {
        const std::string name = params.value("name", "");
        auto unit = application_.contributions().score(name);
        if (!unit) return tl::unexpected(unit.error());
        json settings = params.contains("settings") ? params["settings"] : json::object();
        ParameterInputs inputs;
        inputs.recorded = &settings;
        inputs.recorded_first = true;
        auto parameters = resolve_parameters(name, unit->schema, inputs);
        if (!parameters) return tl::unexpected(parameters.error());
        const bool apply = params.value("purpose", "apply") == "apply";
        if (apply) {
            applied_.push_back(name);
            settings_[name] = settings;
        }
        std::vector<ScoreTask> tasks(1);
        tasks[0].name = name;
        tasks[0].unit = std::move(*unit);
        tasks[0].parameters = std::move(*parameters);
        Run run(workspace_, {apply ? Purpose::Apply : Purpose::Destroy, true, true}, progress_);
        if (auto planned = run.plan(tasks); !planned) return tl::unexpected(planned.error());
        // Each call is a run with a journal of its own.
        auto results = carry_out(workspace_, run, tasks, "e2e", new_run_id());
        if (!results) return tl::unexpected(results.error());
        const auto& result = results->front();
        if (result.good()) return result.steps_done;
        return stop(ExitCode::Failed,
                    result.reason.value_or(diagnostic("run.failed", name + " " + result.outcome)));
    }

    Application& application_;
    Workspace& workspace_;
    Progress& progress_;
    std::vector<std::string> applied_;
    std::map<std::string, json> settings_;
};

Outcome<ScenarioResult> run_scenario(Application& application, const Context& base, const std::string& name,
                                     bool keep) {
    ScenarioResult result;
    result.name = name;
    const auto begun = std::chrono::steady_clock::now();
    auto unit = application.contributions().scenario(name);
    if (!unit) return tl::unexpected(unit.error());
    Context context = base;
    const std::string run_id = new_run_id();
    context.name = "e2e-" + run_id.substr(run_id.size() - 8);
    Progress progress(application.streams(), application.err_style(), application.verbose());
    application.streams().err << application.err_style().bold(name) << " in context " << context.name << "\n";
    auto workspace = application.workspace(context, run_id, &progress);
    if (!workspace) return tl::unexpected(workspace.error());
    auto met = workspace->check_requirements(name, unit->manifest.requirements);
    if (!met) return tl::unexpected(met.error());
    ScenarioContext scenario(application, *workspace, progress);
    workspace->pool().serve_scores([&](const json& params) { return scenario.serve(params); });
    auto instance = workspace->create(*unit->entry, "scenario", name, Schema(unit->schema).defaults(),
                                      unit->manifest.requirements, {});
    auto answer = instance ? workspace->pool().invoke(*instance, "scenario.run", {{"keep", keep}})
                           : Outcome<json>(tl::unexpected(instance.error()));
    if (answer) {
        result.passed = answer->value("passed", json(false)) == true;
        if (answer->contains("steps")) result.steps = (*answer)["steps"];
        if (answer->contains("artifacts")) result.artifacts = (*answer)["artifacts"];
        for (const auto& step : result.steps) {
            if (step.is_object() && step.value("ok", json()) == false && result.reason.empty())
                result.reason = step.value("name", "a step") + ": " + step.value("detail", "failed");
        }
    } else {
        result.reason = answer.error().diagnostic.summary;
        print_diagnostic(application.streams().err, application.err_style(), answer.error().diagnostic);
    }
    if (!keep) {
        if (auto cleaned = scenario.clean(); !cleaned) {
            result.passed = false;
            result.reason +=
                (result.reason.empty() ? "" : "; ") + ("cleaning up: " + cleaned.error().diagnostic.summary);
        }
    }
    workspace->pool().serve_scores({});
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    return result;
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

std::string junit(const std::vector<ScenarioResult>& results) {
    std::size_t failures = 0;
    std::string cases;
    for (const auto& result : results) {
        cases += "  <testcase classname=\"harmony.e2e\" name=\"" + escaped(result.name) + "\" time=\"" +
                 std::to_string(result.seconds) + "\"";
        if (result.passed) {
            cases += "/>\n";
            continue;
        }
        ++failures;
        cases += ">\n    <failure message=\"" + escaped(result.reason) + "\"/>\n  </testcase>\n";
    }
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"harmony.e2e\" tests=\"" +
           std::to_string(results.size()) + "\" failures=\"" + std::to_string(failures) + "\">\n" + cases +
           "</testsuite>\n";
}

Outcome<ExitCode> list(Application& application, const ParsedArguments&) {
    json scenarios = json::array();
    Table table({"SCENARIO", "PLUGIN", "SUMMARY"});
    for (const auto& entry : application.catalog().entries()) {
        if (!entry.usable()) continue;
        for (const auto& scenario : entry.plugin.scenarios) {
            table.add({scenario.name, entry.plugin.id, scenario.summary});
            scenarios.push_back(
                {{"name", scenario.name}, {"plugin", entry.plugin.id}, {"summary", scenario.summary}});
        }
    }
    if (!application.print_json("e2e-list/1", {{"scenarios", scenarios}}))
        table.print(application.streams().out, application.out_style());
    return ExitCode::Ok;
}

Outcome<std::vector<std::string>> chosen(Application& application, const ParsedArguments& arguments) {
    const auto known = application.contributions().scenario_names();
    if (arguments.has("all")) return known;
    std::vector<std::string> names;
    for (const auto& pattern : arguments.list("name")) {
        const auto before = names.size();
        for (const auto& name : known)
            if (glob_matches(pattern, name)) names.push_back(name);
        if (names.size() == before)
            return usage_problem("usage.unknown-scenario", "there is no scenario \"" + pattern + "\"",
                                 suggestion_hint(pattern, known));
    }
    if (names.empty())
        return usage_problem("usage.selection", "nothing is selected", "name scenarios, or say --all");
    return names;
}

Outcome<ExitCode> run(Application& application, const ParsedArguments& arguments) {
    auto names = chosen(application, arguments);
    if (!names) return tl::unexpected(names.error());
    auto context = application.context(std::nullopt);
    if (!context) return tl::unexpected(context.error());
    std::vector<ScenarioResult> results;
    json items = json::array();
    Table table({"SCENARIO", "RESULT", "SECONDS", "REASON"});
    bool good = true;
    for (const auto& name : *names) {
        auto result = run_scenario(application, context->context, name, arguments.has("keep"));
        if (!result) return tl::unexpected(result.error());
        good = good && result->passed;
        table.add(
            {name, result->passed ? "passed" : "failed", std::to_string(result->seconds), result->reason});
        items.push_back({{"scenario", name},
                         {"passed", result->passed},
                         {"reason", result->reason},
                         {"seconds", result->seconds},
                         {"steps", result->steps},
                         {"artifacts", result->artifacts}});
        results.push_back(std::move(*result));
    }
    if (const auto file = arguments.text("junit")) {
        if (auto written = write_file(*file, junit(results)); !written)
            return tl::unexpected(written.error());
    }
    if (!application.print_json("e2e-run/1", {{"passed", good}, {"scenarios", items}}))
        table.print(application.streams().out, application.out_style());
    return good ? ExitCode::Ok : ExitCode::Failed;
}

}  // namespace

std::vector<CommandSpec> e2e_commands() {
    CommandSpec listing;
    listing.path = {"e2e", "list"};
    listing.summary = "List the end-to-end scenarios that plugins contribute";
    listing.examples = {{"harmony e2e list", ""}};
    listing.run = list;
    CommandSpec running;
    running.path = {"e2e", "run"};
    running.summary = "Run scenarios, each in a context of its own that is taken away afterwards";
    running.arguments = {
        {.name = "name",
         .summary = "a scenario; takes * and ?",
         .value_name = "NAME",
         .positional = true,
         .repeated = true,
         .completes = Completes::Scenarios},
        {.name = "all", .kind = ArgumentKind::Boolean, .summary = "every scenario"},
        {.name = "keep", .kind = ArgumentKind::Boolean, .summary = "leave what it deployed, to look at it"},
        {.name = "junit",
         .summary = "also write a JUnit report",
         .value_name = "FILE",
         .completes = Completes::Files},
    };
    running.examples = {{"harmony e2e run ping", ""}, {"harmony e2e run --all --junit report.xml", ""}};
    running.run = run;
    return {listing, running};
}

}  // namespace harmony::host
