#include <algorithm>
#include <chrono>
#include <ostream>

#include "host/cli/application.hpp"
#include "host/commands/registry.hpp"
#include "host/commands/scenario_context.hpp"
#include "host/commands/scenario_report.hpp"
#include "host/config/files.hpp"
#include "host/config/glob.hpp"
#include "host/config/suggestion.hpp"
#include "host/output/progress.hpp"
#include "host/output/table.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

constexpr const char* kKeepVariable = "FLEET_E2E_KEEP";

void add_reason(ScenarioReport& report, const std::string& reason) {
    report.reason += (report.reason.empty() ? "" : "; ") + reason;
}

// Runs the plugin's part; says in the report how it went.
Outcome<void> ask_plugin(ScenarioContext& context, const ScenarioUnit& unit, bool keep,
                         ScenarioReport& report) {
    auto& workspace = context.workspace();
    auto& pool = workspace.pool();
    pool.serve_scores([&](const json& params) { return context.serve(params); });
    auto instance = workspace.create(*unit.entry, "scenario", report.name, Schema(unit.schema).defaults(),
                                     unit.manifest.requirements, {});
    auto answer = instance ? pool.invoke(*instance, "scenario.run", {{"keep", keep}})
                           : Outcome<json>(tl::unexpected(instance.error()));
    pool.serve_scores({});
    if (answer) {
        read_answer(*answer, report);
        return {};
    }
    return tl::unexpected(answer.error());
}

// Whether the machine has what it needs; otherwise the report says what is missing.
bool has_all(ScenarioContext& context, const ScenarioUnit& unit, ScenarioReport& report) {
    const auto met = context.workspace().check_requirements(report.name, unit.manifest.requirements);
    if (met) return true;
    report.outcome = ScenarioOutcome::Skipped;
    report.reason = met.error().diagnostic.summary;
    return false;
}

void finish(ScenarioContext& context, bool keep, ScenarioReport& report) {
    auto& pool = context.workspace().pool();
    if (pool.interrupted()) {
        report.outcome = ScenarioOutcome::Interrupted;
        report.reason = "interrupted";
        // What was left is taken away all the same; another Ctrl-C ends that too.
        pool.acknowledge_interruption();
        keep = false;
    }
    if (report.outcome == ScenarioOutcome::Skipped) keep = false;
    const auto done = keep ? context.keep() : context.clean();
    report.kept = keep && done;
    if (done) return;
    if (report.outcome == ScenarioOutcome::Passed) report.outcome = ScenarioOutcome::Failed;
    add_reason(report, "cleaning up: " + done.error().diagnostic.summary);
}

Outcome<ScenarioReport> run_scenario(Application& application, const Context& base, const std::string& name,
                                     bool keep) {
    ScenarioReport report;
    report.name = name;
    const auto begun = std::chrono::steady_clock::now();
    auto unit = application.contributions().scenario(name);
    if (!unit) return tl::unexpected(unit.error());
    ScenarioProgress progress(application.streams(), application.err_style(), application.verbose());
    auto context = ScenarioContext::open(application, base, name, progress);
    if (!context) return tl::unexpected(context.error());
    report.context = (*context)->name();
    auto& err = application.streams().err;
    err << application.err_style().bold(name) << " in context " << report.context << "\n";
    if (has_all(**context, *unit, report)) {
        if (auto begins = (*context)->begin(); !begins) return tl::unexpected(begins.error());
        if (auto asked = ask_plugin(**context, *unit, keep, report); !asked) {
            report.reason = asked.error().diagnostic.summary;
            if (!(*context)->workspace().pool().interrupted())
                print_diagnostic(err, application.err_style(), asked.error().diagnostic);
        }
        finish(**context, keep, report);
    }
    report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    if (report.outcome == ScenarioOutcome::Skipped)
        err << "  " << application.err_style().yellow("skipped") << ": " << printable(report.reason) << "\n";
    print_evidence(application, report);
    return report;
}

// Takes away what runs that were killed have left. A problem with that is told and does not stop this run.
Outcome<void> prune(Application& application) {
    auto leftovers = scenario_leftovers(application);
    if (!leftovers) return tl::unexpected(leftovers.error());
    auto& err = application.streams().err;
    for (const auto& leftover : *leftovers) {
        if (leftover.kept || leftover.running) continue;
        err << "taking away context " << leftover.context << ", which an interrupted run of "
            << printable(leftover.scenario) << " has left\n";
        if (const auto cleaned = take_away(application, leftover.context); !cleaned)
            print_diagnostic(err, application.err_style(), cleaned.error().diagnostic);
    }
    return {};
}

Outcome<ExitCode> list(Application& application, const ParsedArguments&) {
    json scenarios = json::array();
    Table table({"SCENARIO", "PLUGIN", "NEEDS", "SUMMARY"});
    for (const auto& name : application.contributions().scenario_names()) {
        auto unit = application.contributions().scenario(name);
        if (!unit) return tl::unexpected(unit.error());
        std::string needs;
        for (const auto& group : unit->manifest.requirements) {
            std::string one;
            for (const auto& capability : group)
                one += (one.empty() ? "" : "|") + capability;
            needs += (needs.empty() ? "" : ", ") + one;
        }
        table.add({name, unit->entry->plugin.id, needs, unit->manifest.summary});
        scenarios.push_back({{"name", name},
                             {"plugin", unit->entry->plugin.id},
                             {"requires", unit->manifest.requirements},
                             {"summary", unit->manifest.summary}});
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
        bool matched = false;
        for (const auto& name : known) {
            if (!glob_matches(pattern, name)) continue;
            matched = true;
            if (std::ranges::find(names, name) == names.end()) names.push_back(name);
        }
        if (!matched)
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
    const bool keep = arguments.has("keep") || application.environment().get(kKeepVariable) == "1";
    if (auto pruned = prune(application); !pruned) return tl::unexpected(pruned.error());
    std::vector<ScenarioReport> reports;
    ExitCode exit = ExitCode::Ok;
    for (const auto& name : *names) {
        auto report = run_scenario(application, context->context, name, keep);
        if (!report) return tl::unexpected(report.error());
        if (report->outcome == ScenarioOutcome::Failed) exit = ExitCode::Failed;
        const bool interrupted = report->outcome == ScenarioOutcome::Interrupted;
        reports.push_back(std::move(*report));
        if (!interrupted) continue;
        exit = ExitCode::Interrupted;
        break;
    }
    if (const auto file = arguments.text("junit")) {
        if (auto written = write_file(*file, junit_xml(reports)); !written)
            return tl::unexpected(written.error());
    }
    print_reports(application, reports);
    return exit;
}

CommandSpec run_command() {
    CommandSpec command;
    command.path = {"e2e", "run"};
    command.summary = "Run scenarios, each in a context of its own that is taken away afterwards";
    command.description =
        "What an interrupted run has left is taken away first. A scenario whose requirements the machine "
        "does "
        "not\nmeet is skipped, which counts neither as passed nor as failed. FLEET_E2E_KEEP=1 means --keep.";
    command.arguments = {
        {.name = "name",
         .summary = "a scenario; takes * and ?",
         .value_name = "NAME",
         .positional = true,
         .repeated = true,
         .completes = Completes::Scenarios},
        {.name = "all", .kind = ArgumentKind::Boolean, .summary = "every scenario"},
        {.name = "keep",
         .kind = ArgumentKind::Boolean,
         .summary = "leave what it deployed, and say how to look at it"},
        {.name = "junit",
         .summary = "also write a JUnit report",
         .value_name = "FILE",
         .completes = Completes::Files},
    };
    command.examples = {{"harmony e2e run ping", ""},
                        {"harmony e2e run 'operator*' --keep", "and look at what they deployed"},
                        {"harmony e2e run --all --junit report.xml", ""}};
    command.run = run;
    return command;
}

}  // namespace

std::vector<CommandSpec> e2e_commands() {
    CommandSpec listing;
    listing.path = {"e2e", "list"};
    listing.summary = "List the end-to-end scenarios that plugins contribute";
    listing.examples = {{"harmony e2e list", ""}};
    listing.run = list;
    return {listing, run_command(), e2e_clean_command()};
}

}  // namespace harmony::host
