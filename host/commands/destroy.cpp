#include <algorithm>
#include <ostream>

#include "host/commands/registry.hpp"
#include "host/commands/score_runs.hpp"
#include "host/output/plan_text.hpp"
#include "host/output/progress.hpp"

namespace harmony::host {
namespace {

// Gives back what the topology took, once no Score is left in the context. False: some are.
Outcome<bool> release_when_empty(Workspace& workspace) {
    auto left = Records(workspace.options().state_folder).all();
    if (!left) return tl::unexpected(left.error());
    if (!left->empty()) return false;
    if (auto released = workspace.release(); !released) return tl::unexpected(released.error());
    return true;
}

Outcome<ExitCode> destroy(Application& application, const ParsedArguments& arguments) {
    auto preparation = prepare_scores(application, arguments, Purpose::Destroy);
    if (!preparation) return tl::unexpected(preparation.error());
    application.warn_about_plugins();
    tell_interrupted(application, preparation->state_folder);
    auto& tasks = preparation->tasks;
    if (tasks.empty()) return report_results(application, "destroy/1", "", {});

    Progress progress(application.streams(), application.err_style(), application.verbose());
    auto workspace = application.workspace(preparation->context.context, new_run_id(), &progress);
    if (!workspace) return tl::unexpected(workspace.error());
    RunOptions options{Purpose::Destroy, arguments.has("delete-data"), arguments.has("yes")};
    Run run(*workspace, options, progress);
    if (auto planned = run.plan(tasks); !planned) return tl::unexpected(planned.error());
    print_plan(application.streams().err, application.err_style(), tasks);
    const bool recorded = std::ranges::any_of(
        tasks, [&](const ScoreTask& task) { return preparation->records.contains(task.name); });
    if (!has_work(tasks) && !recorded) {
        // What can't be planned may be there all the same.
        for (const ScoreTask& task : tasks) {
            if (task.problem) return tl::unexpected(*task.problem);
        }
        return report_results(application, "destroy/1", "", {});
    }
    if (auto agreed = confirm(application, arguments, tasks, Purpose::Destroy); !agreed)
        return tl::unexpected(agreed.error());
    auto results = carry_out(*workspace, run, tasks, "destroy", workspace->options().run_id);
    if (!results) return tl::unexpected(results.error());
    bool empty = false;
    if (std::ranges::all_of(*results, &ScoreResult::good)) {
        auto released = release_when_empty(*workspace);
        if (!released) return tl::unexpected(released.error());
        empty = *released;
    }
    const auto exit = report_results(application, "destroy/1", workspace->options().run_id, *results);
    if (empty)
        application.streams().err << "Nothing is left in context " << workspace->options().context.name
                                  << ".\n";
    return exit;
}

}  // namespace

CommandSpec destroy_command() {
    CommandSpec command;
    command.path = {"destroy"};
    command.summary = "Take away what the selected Scores made, last first";
    command.description = "Data stays unless --delete-data is given; --yes never covers it.";
    command.arguments = selection_arguments();
    command.arguments[1].summary = "select everything that is deployed in the context";
    command.arguments.push_back(
        {.name = "yes", .kind = ArgumentKind::Boolean, .summary = "do not ask", .short_name = 'y'});
    command.arguments.push_back({.name = "delete-data",
                                 .kind = ArgumentKind::Boolean,
                                 .summary = "also delete the data that the Scores' daemons keep"});
    command.examples = {{"harmony destroy --all --yes", "everything in the context; data stays"},
                        {"harmony destroy --filter FleetAgentScore", "one Score, after a question"},
                        {"harmony destroy --all --delete-data --yes", "and the data too"}};
    command.run = destroy;
    command.extend = score_flags;
    return command;
}

}  // namespace harmony::host
