#include <ostream>

#include "host/commands/registry.hpp"
#include "host/commands/score_runs.hpp"
#include "host/output/plan_text.hpp"
#include "host/output/progress.hpp"

namespace harmony::host {
namespace {

Outcome<ExitCode> apply(Application& application, const ParsedArguments& arguments) {
    auto preparation = prepare_scores(application, arguments, Purpose::Apply);
    if (!preparation) return tl::unexpected(preparation.error());
    if (arguments.has("list")) return list_scores(application, *preparation);
    application.warn_about_plugins();
    tell_interrupted(application, preparation->state_folder);

    Progress progress(application.streams(), application.err_style(), application.verbose());
    auto workspace = application.workspace(preparation->context.context, new_run_id(), &progress);
    if (!workspace) return tl::unexpected(workspace.error());
    RunOptions options{Purpose::Apply, arguments.has("delete-data"), arguments.has("yes")};
    Run run(*workspace, options, progress);
    auto& tasks = preparation->tasks;
    if (auto planned = run.plan(tasks); !planned) return tl::unexpected(planned.error());
    print_plan(application.streams().err, application.err_style(), tasks);
    if (preparation->saved) {
        if (auto same = check_drift(*preparation->saved, tasks); !same) return tl::unexpected(same.error());
    }
    if (auto agreed = confirm(application, arguments, tasks, Purpose::Apply); !agreed)
        return tl::unexpected(agreed.error());
    auto results = carry_out(*workspace, run, tasks, "apply", workspace->options().run_id);
    if (!results) return tl::unexpected(results.error());
    application.catalog().save_index();
    return report_results(application, "apply/1", workspace->options().run_id, *results);
}

}  // namespace

CommandSpec apply_command() {
    CommandSpec command;
    command.path = {"apply"};
    command.summary = "Make what the selected Scores describe, and prove that it works";
    command.description =
        "Plans every selected Score, shows the differences, asks, carries the steps out one by one and runs "
        "each\n"
        "Score's smoke test: a Score counts as applied only when that passes. Running it again changes "
        "nothing.";
    command.arguments = selection_arguments();
    command.arguments.push_back({.name = "plan",
                                 .summary = "a saved plan to carry out exactly, from harmony plan --out",
                                 .value_name = "PLAN",
                                 .positional = true,
                                 .completes = Completes::Files});
    command.arguments.push_back({.name = "list",
                                 .kind = ArgumentKind::Boolean,
                                 .summary = "only show which Scores would run; touches nothing"});
    command.arguments.push_back({.name = "yes",
                                 .kind = ArgumentKind::Boolean,
                                 .summary = "do not ask; never covers the deletion of data",
                                 .short_name = 'y'});
    command.arguments.push_back(
        {.name = "delete-data", .kind = ArgumentKind::Boolean, .summary = "accept steps that delete data"});
    command.examples = {
        {"harmony apply --all --yes", "everything in ./harmony.yaml"},
        {"harmony apply --filter FleetOperatorScore --namespace fleet-system --yes",
         "one Score, with a flag of its own"},
        {"harmony apply --filter 'Fleet*' --set FleetNatsScore.port=4333", "several, and a parameter"},
        {"harmony apply --all --list", "what would run, and in which order"},
        {"harmony apply tonight.plan", "a plan that was saved and reviewed"},
    };
    command.run = apply;
    command.extend = score_flags;
    return command;
}

}  // namespace harmony::host
