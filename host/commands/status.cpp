#include <algorithm>
#include <ostream>

#include "host/commands/registry.hpp"
#include "host/commands/score_runs.hpp"
#include "host/config/files.hpp"
#include "host/config/glob.hpp"
#include "host/engine/context_lock.hpp"
#include "host/output/document.hpp"
#include "host/output/progress.hpp"
#include "host/output/table.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

struct Live {
    json objects = json::array();
    std::string drift = "-";
    std::optional<Diagnostic> problem;
};

Outcome<Live> read_live(Application& application, Workspace& workspace, const Record& record,
                        bool with_plan) {
    auto unit = application.contributions().score(record.score);
    if (!unit) return tl::unexpected(unit.error());
    ParameterInputs inputs;
    auto composition = load_composition(std::nullopt);
    if (composition && *composition) inputs.composition = &**composition;
    inputs.environment = &application.environment();
    inputs.recorded = &record.settings;
    auto parameters = resolve_parameters(record.score, unit->schema, inputs);
    if (!parameters) return tl::unexpected(parameters.error());
    auto instance = workspace.create(*unit->entry, "score", record.score, parameters->settings,
                                     unit->manifest.requirements, unit->manifest.optional);
    if (!instance) return tl::unexpected(instance.error());
    Live live;
    auto read = workspace.pool().invoke(*instance, "score.read", json::object());
    if (!read) return tl::unexpected(read.error());
    live.objects = parse_objects(*read);
    if (!with_plan) return live;
    auto answer =
        workspace.pool().invoke(*instance, "score.plan", {{"purpose", "apply"}, {"pending", json::array()}});
    if (!answer) return tl::unexpected(answer.error());
    auto plan = parse_plan(unit->entry->plugin.id, *answer);
    if (!plan) return tl::unexpected(plan.error());
    live.drift = plan->steps.empty() ? "none" : std::to_string(plan->steps.size()) + " changes";
    return live;
}

json run_document(const JournalSummary& last, bool running) {
    json run = {{"run", last.run_id}, {"command", last.command}, {"started_at", last.started_at}};
    run["outcome"] = last.interrupted() ? (running ? "running" : "killed") : last.outcome;
    if (!last.last_step.empty()) run["last_step"] = {{"score", last.last_score}, {"step", last.last_step}};
    return run;
}

Outcome<ExitCode> status(Application& application, const ParsedArguments& arguments) {
    auto composition = load_composition(arguments.text("file"));
    if (!composition) return tl::unexpected(composition.error());
    auto context = application.context(*composition);
    if (!context) return tl::unexpected(context.error());
    const std::string name = context->context.name;
    const std::string folder = application.paths().context_state(name);
    auto records = Records(folder).all();
    if (!records) return tl::unexpected(records.error());
    const auto& filters = arguments.list("filter");
    std::erase_if(*records, [&](const auto& entry) {
        return !filters.empty() && std::ranges::none_of(filters, [&](const std::string& filter) {
            return glob_matches(filter, entry.first);
        });
    });

    json document = {{"context", name}, {"scores", json::array()}};
    const auto last = last_journal(folder);
    if (last) document["last_run"] = run_document(*last, ContextLock::held(folder));
    tell_interrupted(application, folder);
    Table table({"SCORE", "OUTCOME", "AGE", "OBJECTS", "DRIFT", "PLUGIN"});
    auto exit = ExitCode::Ok;
    if (!records->empty()) {
        Progress progress(application.streams(), application.err_style(), application.verbose());
        auto workspace = application.workspace(context->context, {}, &progress);
        if (!workspace) return tl::unexpected(workspace.error());
        for (const auto& [score, record] : *records) {
            auto live = read_live(application, *workspace, record, arguments.has("plan"));
            json item = to_json(record);
            item["live"] = live ? live->objects : json();
            if (live && arguments.has("plan")) item["drift"] = live->drift;
            if (!live) {
                item["error"] = diagnostic_document(live.error().diagnostic);
                print_diagnostic(application.streams().err, application.err_style(), live.error().diagnostic);
                exit = live.error().exit == ExitCode::Interrupted ? ExitCode::Interrupted : ExitCode::Failed;
            }
            const auto age = seconds_since(record.at);
            table.add({score, record.outcome, age ? age_text(*age) : "?",
                       live ? std::to_string(live->objects.size()) : "?", live ? live->drift : "?",
                       record.plugin_id + " " + record.plugin_version});
            document["scores"].push_back(std::move(item));
        }
    }
    if (!application.print_json("status/1", document)) {
        auto& out = application.streams().out;
        if (table.empty()) {
            out << "Nothing is deployed in context " << name << ".\n";
        } else {
            table.print(out, application.out_style());
        }
    }
    return exit;
}

}  // namespace

CommandSpec status_command() {
    CommandSpec command;
    command.path = {"status"};
    command.summary = "Show what is deployed, read live, and how the last run ended";
    command.arguments = {
        {.name = "filter",
         .summary = "a deployed Score; takes * and ?; repeats",
         .value_name = "GLOB",
         .repeated = true,
         .completes = Completes::Scores},
        {.name = "file",
         .summary = "the composition, for its context",
         .value_name = "FILE",
         .completes = Completes::Files},
        {.name = "plan",
         .kind = ArgumentKind::Boolean,
         .summary = "also plan again: has anything drifted from what was applied?"},
    };
    command.examples = {{"harmony status", ""},
                        {"harmony status --plan --output json", "with drift, for a program"}};
    command.run = status;
    return command;
}

}  // namespace harmony::host
