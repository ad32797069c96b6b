#include <algorithm>
#include <ostream>

#include "host/commands/registry.hpp"
#include "host/commands/score_runs.hpp"
#include "host/output/plan_text.hpp"
#include "host/output/progress.hpp"

namespace harmony::host {
namespace {

Outcome<ExitCode> plan(Application& application, const ParsedArguments& arguments) {
    auto preparation = prepare_scores(application, arguments, Purpose::Apply);
    if (!preparation) return tl::unexpected(preparation.error());
    application.warn_about_plugins();
    tell_interrupted(application, preparation->state_folder);
    Progress progress(application.streams(), application.err_style(), application.verbose());
    auto workspace = application.workspace(preparation->context.context, {}, &progress);
    if (!workspace) return tl::unexpected(workspace.error());
    Run run(*workspace, RunOptions{}, progress);
    auto& tasks = preparation->tasks;
    if (auto planned = run.plan(tasks); !planned) return tl::unexpected(planned.error());
    const bool broken =
        std::ranges::any_of(tasks, [](const ScoreTask& task) { return task.problem.has_value(); });
    const auto file = arguments.text("out");
    if (file && !broken) {
        auto saved = save_plan(*file, preparation->context.context.name, tasks);
        if (!saved) return tl::unexpected(saved.error());
    }
    auto document = plan_document(tasks);
    document["context"] = preparation->context.context.name;
    if (!application.print_json("plan/1", document))
        print_plan(application.streams().out, application.out_style(), tasks);
    if (broken) return ExitCode::Failed;
    if (file) application.streams().err << "Saved; carry it out with: harmony apply " << *file << "\n";
    return arguments.has("detailed-exitcode") && has_work(tasks) ? ExitCode::Changes : ExitCode::Ok;
}

}  // namespace

CommandSpec plan_command() {
    CommandSpec command;
    command.path = {"plan"};
    command.summary = "Show what apply would change; touches nothing";
    command.arguments = selection_arguments();
    command.arguments.push_back({.name = "out",
                                 .summary = "also save the plan, for harmony apply FILE",
                                 .value_name = "FILE",
                                 .completes = Completes::Files});
    command.arguments.push_back({.name = "detailed-exitcode",
                                 .kind = ArgumentKind::Boolean,
                                 .summary = "exit with 4 when there are changes"});
    command.examples = {{"harmony plan --all", "the differences to ./harmony.yaml"},
                        {"harmony plan --all --detailed-exitcode", "for a script that looks for drift"},
                        {"harmony plan --all --out tonight.plan", "to be reviewed and applied later"}};
    command.run = plan;
    command.extend = score_flags;
    return command;
}

}  // namespace harmony::host
