#include "host/commands/score_runs.hpp"

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <ostream>

#include "host/config/files.hpp"
#include "host/config/suggestion.hpp"
#include "host/engine/context_lock.hpp"
#include "host/engine/selection.hpp"
#include "host/output/document.hpp"
#include "host/output/table.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

std::vector<std::string> composed_names(const Composition& composition) {
    std::vector<std::string> names;
    for (const auto& score : composition.scores)
        names.push_back(score.name);
    return names;
}

// Every Score that the context's Topology can carry, as far as manifests tell.
Outcome<std::vector<std::string>> runnable_names(Application& application, const Context& context) {
    auto& contributions = application.contributions();
    auto topology = contributions.topology(context.topology);
    if (!topology) return tl::unexpected(topology.error());
    std::vector<std::string> names;
    for (const auto& name : contributions.score_names()) {
        auto unit = contributions.score(name);
        if (!unit) return tl::unexpected(unit.error());
        if (unmet(unit->manifest.requirements, topology->manifest.offers).empty()) names.push_back(name);
    }
    return names;
}

std::vector<std::string> recorded_names(const std::map<std::string, Record>& records) {
    std::vector<std::string> names;
    names.reserve(records.size());
    for (const auto& [name, record] : records)
        names.push_back(name);
    return names;
}

Outcome<std::vector<std::string>> chosen_names(Application& application, const ParsedArguments& arguments,
                                               const Preparation& preparation, Purpose purpose) {
    if (preparation.saved) {
        std::vector<std::string> names;
        for (const auto& score : preparation.saved->scores)
            names.push_back(score.name);
        return names;
    }
    SelectionRequest request;
    request.filters = arguments.list("filter");
    request.all = arguments.has("all");
    request.available = application.contributions().score_names();
    if (purpose == Purpose::Destroy) {
        if (request.all) request.for_all = recorded_names(preparation.records);
    } else if (preparation.composition) {
        // The composition says what is meant; --all merely spells it out.
        if (request.filters.empty()) request.all = true;
        request.for_all = composed_names(*preparation.composition);
    } else if (request.all) {
        auto names = runnable_names(application, preparation.context.context);
        if (!names) return tl::unexpected(names.error());
        request.for_all = std::move(*names);
    }
    return select_scores(request);
}

Outcome<std::vector<ScoreUnit>> ordered_units(Application& application, const Preparation& preparation,
                                              const std::vector<std::string>& names) {
    std::map<std::string, std::vector<std::string>> after;
    std::map<std::string, ScoreUnit> units;
    for (const auto& name : names) {
        auto unit = application.contributions().score(name);
        if (!unit) {
            Problem problem = unit.error();
            const auto* entry = preparation.composition ? preparation.composition->find(name) : nullptr;
            if (entry != nullptr)
                problem.diagnostic.summary = preparation.composition->document.position(entry->place) + ": " +
                                             problem.diagnostic.summary;
            return tl::unexpected(std::move(problem));
        }
        after[name] = unit->manifest.after;
        units[name] = std::move(*unit);
    }
    auto order = order_scores(names, after);
    if (!order) return tl::unexpected(order.error());
    std::vector<ScoreUnit> ordered;
    for (const auto& name : *order)
        ordered.push_back(std::move(units[name]));
    return ordered;
}

Outcome<std::vector<Assignment>> assignments_for(const ParsedArguments& arguments,
                                                 const std::vector<ScoreUnit>& units,
                                                 const std::vector<std::string>& all_names) {
    std::vector<Assignment> assignments;
    for (const auto& text : arguments.list("set")) {
        auto assignment = parse_assignment(text, all_names);
        if (!assignment) return tl::unexpected(assignment.error());
        std::vector<std::string> known;
        bool taken = false;
        for (const auto& unit : units) {
            if (!assignment->score.empty()) {
                taken = taken || assignment->score == unit.manifest.name;
                continue;
            }
            ValuePath path = assignment->path;
            taken = taken || !Schema(unit.schema).normalise(path);
            for (const auto& declared : Schema(unit.schema).declared())
                known.push_back(declared.text());
        }
        if (!taken && !assignment->score.empty())
            return usage_problem("usage.set",
                                 "--set " + text + ": " + assignment->score + " is not selected");
        if (!taken)
            return usage_problem("config.unknown-parameter",
                                 "no selected Score has a parameter " + assignment->path.text(),
                                 suggestion_hint(assignment->path.text(), known));
        assignments.push_back(std::move(*assignment));
    }
    for (const auto& unit : units) {
        for (const auto& flag : Schema(unit.schema).flags()) {
            const auto& values = arguments.list(flag.flag);
            for (std::size_t i = 0; i < values.size(); ++i) {
                const bool list = flag.type == "array";
                if (!list && i + 1 < values.size()) continue;
                assignments.push_back(
                    {unit.manifest.name, list ? flag.path.child(i) : flag.path, values[i], "--" + flag.flag});
            }
        }
    }
    return assignments;
}

Diagnostic nothing_done() {
    return diagnostic("run.interrupted", "Interrupted: nothing was changed.");
}

bool interrupted(Application& application) {
    const auto* cancellation = application.cancellation();
    return cancellation != nullptr && cancellation->requested();
}

// Nothing at the end, and where the user interrupts: a stream's own read would go on after the signal.
std::string read_line(Application& application) {
    std::istream& in = application.streams().in;
    const auto* cancellation = application.cancellation();
    if (cancellation != nullptr && in.rdbuf() == std::cin.rdbuf() && in.rdbuf()->in_avail() <= 0) {
        pollfd set[] = {{STDIN_FILENO, POLLIN, 0}, {cancellation->descriptor(), POLLIN, 0}};
        while (!interrupted(application) && ::poll(set, 2, -1) < 0 && errno == EINTR) {
        }
    }
    std::string line;
    if (!interrupted(application)) std::getline(in, line);
    return line;
}

// Reads a line, without echo for a secret.
std::optional<std::string> read_answer(Application& application, bool secret) {
    termios before{};
    const bool hide = secret && tcgetattr(STDIN_FILENO, &before) == 0;
    if (hide) {
        termios silent = before;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        tcsetattr(STDIN_FILENO, TCSANOW, &silent);
    }
    std::string answer = read_line(application);
    if (hide) {
        tcsetattr(STDIN_FILENO, TCSANOW, &before);
        application.streams().err << "\n";
    }
    if (answer.empty()) return std::nullopt;
    return answer;
}

Outcome<ResolvedParameters> resolve_for(Application& application, const Preparation& preparation,
                                        const ScoreUnit& unit, const std::vector<Assignment>& assignments,
                                        Purpose purpose) {
    ParameterInputs inputs;
    inputs.assignments = &assignments;
    inputs.environment = &application.environment();
    inputs.composition = preparation.composition ? &*preparation.composition : nullptr;
    if (preparation.saved) {
        const auto saved =
            std::ranges::find(preparation.saved->scores, unit.manifest.name, &SavedScore::name);
        inputs.recorded = &saved->settings;
        inputs.recorded_first = true;
    } else if (const auto record = preparation.records.find(unit.manifest.name);
               purpose == Purpose::Destroy && record != preparation.records.end()) {
        inputs.recorded = &record->second.settings;
    }
    if (application.interactive()) {
        inputs.ask = [&application](const std::string& score, const ValuePath& path,
                                    const std::string& expected, bool secret) {
            application.streams().err << score << "." << path.text() << " (" << expected << "): ";
            application.streams().err.flush();
            return read_answer(application, secret);
        };
    }
    auto resolved = resolve_parameters(unit.manifest.name, unit.schema, inputs);
    if (!resolved && interrupted(application)) return stop(ExitCode::Interrupted, nothing_done());
    return resolved;
}

std::string joined_requirements(const ScoreUnit& unit) {
    std::string text;
    for (const auto& group : unit.manifest.requirements) {
        std::string one;
        for (const auto& capability : group)
            one += (one.empty() ? "" : "|") + capability;
        text += (text.empty() ? "" : ", ") + one;
    }
    return text;
}

}  // namespace

std::vector<ArgumentSpec> selection_arguments() {
    return {
        {.name = "filter",
         .summary = "a Score to select; takes * and ?; repeats",
         .value_name = "GLOB",
         .repeated = true,
         .completes = Completes::Scores},
        {.name = "all",
         .kind = ArgumentKind::Boolean,
         .summary = "select the composition's Scores, or without one all that this context can carry"},
        {.name = "file",
         .summary = "the composition; ./harmony.yaml when it exists",
         .value_name = "FILE",
         .completes = Completes::Files},
        {.name = "set",
         .summary = "a parameter's value, as [Score.]path=value; repeats",
         .value_name = "ASSIGNMENT",
         .repeated = true},
    };
}

Outcome<std::vector<ArgumentSpec>> score_flags(Application& application, const ParsedArguments& arguments) {
    std::vector<ArgumentSpec> flags;
    std::vector<std::string> selected;
    auto composition = load_composition(arguments.text("file"));
    const bool composed = composition && *composition;
    if (!arguments.has("filter") && !arguments.has("all") && !composed) return flags;
    SelectionRequest request;
    request.filters = arguments.list("filter");
    request.all = request.filters.empty();
    request.available = application.contributions().score_names();
    request.for_all = composed ? composed_names(**composition) : request.available;
    auto names = select_scores(request);
    if (!names) return flags;  // the command itself reports what is wrong with the selection
    for (const auto& name : *names) {
        auto unit = application.contributions().score(name);
        if (!unit) continue;
        for (const auto& flag : Schema(unit->schema).flags()) {
            ArgumentSpec argument{.name = flag.flag,
                                  .summary = flag.summary + " (" + name + ")",
                                  .repeated = true,
                                  .values = flag.values};
            if (flag.type == "boolean") argument.kind = ArgumentKind::Boolean;
            flags.push_back(std::move(argument));
        }
    }
    return flags;
}

Outcome<Preparation> prepare_scores(Application& application, const ParsedArguments& arguments,
                                    Purpose purpose) {
    Preparation preparation;
    if (const auto file = arguments.text("plan")) {
        auto saved = load_plan(*file);
        if (!saved) return tl::unexpected(saved.error());
        preparation.saved = std::move(*saved);
        for (const char* name : {"set", "filter", "all", "file"}) {
            if (arguments.has(name))
                return usage_problem(
                    "usage.saved-plan",
                    std::string("a saved plan is carried out exactly: --") + name + " cannot change it",
                    "leave the flag out, or make a new plan with it");
        }
    }
    auto composition = load_composition(arguments.text("file"));
    if (!composition) return tl::unexpected(composition.error());
    preparation.composition = std::move(*composition);
    auto context = application.context(preparation.composition);
    if (!context) return tl::unexpected(context.error());
    preparation.context = std::move(*context);
    if (preparation.saved && preparation.saved->context != preparation.context.context.name)
        return usage_problem("usage.saved-plan",
                             "the plan was made for context " + preparation.saved->context +
                                 ", this is context " + preparation.context.context.name,
                             "add --context " + preparation.saved->context);
    preparation.state_folder = application.paths().context_state(preparation.context.context.name);
    auto records = Records(preparation.state_folder).all();
    if (!records) return tl::unexpected(records.error());
    preparation.records = std::move(*records);
    if (purpose == Purpose::Destroy && arguments.has("delete-data")) {
        // What an earlier destroy has left is to be found again.
        auto retired = Records(preparation.state_folder).retired();
        if (!retired) return tl::unexpected(retired.error());
        preparation.records.merge(*retired);
    }

    auto names = chosen_names(application, arguments, preparation, purpose);
    if (!names) return tl::unexpected(names.error());
    auto units = ordered_units(application, preparation, *names);
    if (!units) return tl::unexpected(units.error());
    auto assignments = assignments_for(arguments, *units, application.contributions().score_names());
    if (!assignments) return tl::unexpected(assignments.error());
    for (auto& unit : *units) {
        auto parameters = resolve_for(application, preparation, unit, *assignments, purpose);
        if (!parameters) return tl::unexpected(parameters.error());
        ScoreTask task;
        task.name = unit.manifest.name;
        task.unit = std::move(unit);
        task.parameters = std::move(*parameters);
        preparation.tasks.push_back(std::move(task));
    }
    if (purpose == Purpose::Destroy) std::ranges::reverse(preparation.tasks);
    return preparation;
}

ExitCode list_scores(Application& application, const Preparation& preparation) {
    json scores = json::array();
    Table table({"SCORE", "PLUGIN", "REQUIRES", "AFTER"});
    for (const auto& task : preparation.tasks) {
        std::string after;
        for (const auto& name : task.unit.manifest.after)
            after += (after.empty() ? "" : ", ") + name;
        table.add({task.name, task.unit.entry->plugin.id, joined_requirements(task.unit), after});
        scores.push_back({{"score", task.name},
                          {"plugin", task.unit.entry->plugin.id},
                          {"requires", task.unit.manifest.requirements},
                          {"after", task.unit.manifest.after}});
    }
    const std::string context = preparation.context.context.name;
    if (application.print_json("apply-list/1", {{"context", context}, {"scores", scores}}))
        return ExitCode::Ok;
    application.streams().err << "In context " << context << ", in this order:\n";
    table.print(application.streams().out, application.out_style());
    return ExitCode::Ok;
}

void tell_interrupted(Application& application, const std::string& state_folder) {
    const auto last = last_journal(state_folder);
    if (!last || !last->interrupted() || ContextLock::held(state_folder)) return;
    auto& err = application.streams().err;
    err << application.err_style().yellow("note:") << " the run " << last->run_id << " (" << last->command
        << ", started " << last->started_at << ") was interrupted";
    if (!last->last_step.empty())
        err << (last->step_unfinished ? " during " : " after ") << "step " << printable(last->last_step)
            << " of " << last->last_score;
    err << "; planning from what exists now\n";
}

Outcome<void> confirm(Application& application, const ParsedArguments& arguments,
                      const std::vector<ScoreTask>& tasks, Purpose purpose) {
    if (!has_work(tasks)) return {};
    const bool data = purpose == Purpose::Apply && deletes_data(tasks) && !arguments.has("delete-data");
    if (arguments.has("yes") && !data) return {};
    if (!application.interactive()) {
        if (data)
            return usage_problem("usage.confirm", "this plan deletes data, and --yes does not cover that",
                                 "look at the plan; --delete-data accepts it");
        return usage_problem("usage.confirm", "there are changes to confirm, but nobody to ask",
                             "add --yes to carry them out without a question");
    }
    auto& err = application.streams().err;
    const std::string wanted = data ? "delete" : "yes";
    err << (data                        ? "This deletes data. Type \"delete\" to go on: "
            : purpose == Purpose::Apply ? "Apply this? [y/N] "
                                        : "Destroy this? [y/N] ");
    err.flush();
    const std::string answer = read_line(application);
    if (interrupted(application)) return stop(ExitCode::Interrupted, nothing_done());
    const bool agreed = answer == wanted || (!data && (answer == "y" || answer == "Y" || answer == "Yes"));
    if (agreed) return {};
    return stop(ExitCode::Declined, diagnostic("run.declined", "Declined: nothing was changed."));
}

Outcome<std::vector<ScoreResult>> carry_out(Workspace& workspace, Run& run, std::vector<ScoreTask>& tasks,
                                            const std::string& command, const std::string& run_id) {
    const auto& options = workspace.options();
    auto lock = ContextLock::acquire(options.state_folder, command);
    if (!lock) return tl::unexpected(lock.error());
    run.compare_runs();
    std::vector<std::string> names;
    names.reserve(tasks.size());
    for (const auto& task : tasks)
        names.push_back(task.name);
    auto journal = Journal::begin(options.state_folder, run_id, command, names);
    if (!journal) return tl::unexpected(journal.error());
    if (auto prepared = workspace.prepare(); !prepared) {
        if (auto ended = journal->end("failed"); !ended) return tl::unexpected(ended.error());
        return tl::unexpected(prepared.error());
    }
    auto results = run.carry_out(tasks, *journal, Records(options.state_folder));
    if (!results) return results;
    const bool good = std::ranges::all_of(*results, &ScoreResult::good);
    const bool interrupted = workspace.pool().interrupted();
    auto ended = journal->end(interrupted ? "interrupted" : good ? "ok" : "failed");
    if (!ended) return tl::unexpected(ended.error());
    return results;
}

ExitCode report_results(Application& application, const std::string& schema, const std::string& run_id,
                        const std::vector<ScoreResult>& results) {
    json scores = json::array();
    bool good = true;
    bool interrupted = false;
    std::map<std::string, int> counts;
    for (const auto& result : results) {
        json score = {{"score", result.name},
                      {"outcome", result.outcome},
                      {"steps", result.steps_done},
                      {"objects", result.objects},
                      {"checks", json::array()}};
        for (const auto& check : result.checks)
            score["checks"].push_back({{"name", check.name}, {"ok", check.ok}, {"detail", check.detail}});
        if (result.reason) score["error"] = diagnostic_document(*result.reason);
        scores.push_back(std::move(score));
        good = good && result.good();
        interrupted = interrupted || result.outcome == "interrupted";
        ++counts[result.outcome];
    }
    const std::string outcome = interrupted ? "interrupted" : good ? "ok" : "failed";
    if (!application.print_json(schema, {{"run", run_id}, {"outcome", outcome}, {"scores", scores}})) {
        std::string line;
        for (const auto& [word, count] : counts)
            line += (line.empty() ? "" : ", ") + std::to_string(count) + " " + word;
        application.streams().out << (line.empty() ? "Nothing to do." : "Scores: " + line + ".") << "\n";
    }
    return interrupted ? ExitCode::Interrupted : good ? ExitCode::Ok : ExitCode::Failed;
}

}  // namespace harmony::host
