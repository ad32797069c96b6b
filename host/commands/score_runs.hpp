// What apply, plan, destroy and status share: choosing Scores and getting them planned.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/cli/application.hpp"
#include "host/cli/command_spec.hpp"
#include "host/engine/records.hpp"
#include "host/engine/run.hpp"
#include "host/engine/saved_plan.hpp"

namespace harmony::host {

// --filter, --all, --file, --set.
[[nodiscard]] std::vector<ArgumentSpec> selection_arguments();

// The flags of the Scores that the words so far select.
[[nodiscard]] Outcome<std::vector<ArgumentSpec>> score_flags(Application& application,
                                                             const ParsedArguments& arguments);

// Chosen, ordered, parameters resolved. Nothing of a plugin has run.
struct Preparation {
    std::optional<Composition> composition;
    ChosenContext context;
    std::string state_folder;
    std::map<std::string, Record> records;
    std::optional<SavedPlan> saved;
    std::vector<ScoreTask> tasks;  // in the order of the run
};

[[nodiscard]] Outcome<Preparation> prepare_scores(Application& application, const ParsedArguments& arguments,
                                                  Purpose purpose);

// What --list shows.
[[nodiscard]] ExitCode list_scores(Application& application, const Preparation& preparation);

// Says on stderr when the last run of this context was killed.
void tell_interrupted(Application& application, const std::string& state_folder);

// Asks, as far as it has to be asked. Code run.declined with exit code Declined; usage.confirm where nobody
// can be asked.
[[nodiscard]] Outcome<void> confirm(Application& application, const ParsedArguments& arguments,
                                    const std::vector<ScoreTask>& tasks, Purpose purpose);

// Lock, journal, prepare, carry out, journal's end.
[[nodiscard]] Outcome<std::vector<ScoreResult>> carry_out(Workspace& workspace, Run& run,
                                                          std::vector<ScoreTask>& tasks,
                                                          const std::string& command,
                                                          const std::string& run_id);

// Prints results; the exit code they mean.
[[nodiscard]] ExitCode report_results(Application& application, const std::string& schema,
                                      const std::string& run_id, const std::vector<ScoreResult>& results);

}  // namespace harmony::host
