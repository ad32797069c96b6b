#include "host/engine/run.hpp"

#include <algorithm>

#include "host/config/files.hpp"

namespace harmony::host {
namespace {

using nlohmann::json;

bool has_verb(const ScoreTask& task, const char* verb) {
    const auto& verbs = task.unit.manifest.verbs;
    return verbs.empty() || std::ranges::find(verbs, verb) != verbs.end();
}

std::string key(const Step& step, bool destructive) {
    return step.action + " " + step.object() + (destructive ? ", with data" : "");
}

// Who agreed to a step that deletes data agreed to one that does not.
std::set<std::string> keys(const ScorePlan& plan) {
    std::set<std::string> result;
    for (const auto& step : plan.steps) {
        result.insert(key(step, false));
        if (step.destructive) result.insert(key(step, true));
    }
    return result;
}

void leave_unchecked(ScoreResult& result) {
    result.outcome = "interrupted";
    result.reason = diagnostic("run.interrupted", "applied, but interrupted before it was checked",
                               "apply again: it is checked then");
}

// With what became of it, which is empty while it runs.
std::string newest_run(const std::string& state_folder) {
    const auto last = last_journal(state_folder);
    return last ? last->run_id + " " + last->outcome : std::string();
}

bool goes_after(const ScoreTask& task, const std::string& other) {
    return std::ranges::find(task.unit.manifest.after, other) != task.unit.manifest.after.end();
}

// The steps of this one may come before the smoke test of the one before.
bool overlaps(const ScoreTask& task, const ScoreTask& before) {
    return task.unit.manifest.overlaps && goes_after(task, before.name);
}

std::string pending_text(const ScorePlan& plan) {
    return plan.steps.empty() ? "nothing" : plan.steps.front().action + " " + plan.steps.front().object();
}

}  // namespace

bool has_work(const std::vector<ScoreTask>& tasks) {
    return std::ranges::any_of(
        tasks, [](const ScoreTask& task) { return !task.plan.steps.empty() || task.plan.deferred; });
}

bool deletes_data(const std::vector<ScoreTask>& tasks) {
    return std::ranges::any_of(tasks, [](const ScoreTask& task) {
        return std::ranges::any_of(task.plan.steps, &Step::destructive);
    });
}

Outcome<ScorePlan> Run::ask_plan(ScoreTask& task, const std::vector<std::string>& pending) {
    const bool apply = options_.purpose == Purpose::Apply;
    json params = {{"purpose", apply ? "apply" : "destroy"}, {"pending", pending}};
    if (!apply) params["delete_data"] = options_.delete_data;
    auto answer = workspace_.pool().invoke(task.instance, "score.plan", params);
    if (!answer) return tl::unexpected(answer.error());
    return parse_plan(task.unit.entry->plugin.id, *answer);
}

Outcome<void> Run::plan_one(ScoreTask& task, const std::vector<std::string>& pending) {
    const auto& manifest = task.unit.manifest;
    auto met = workspace_.check_requirements(task.name, manifest.requirements);
    if (!met) return met;
    auto instance = workspace_.create(*task.unit.entry, "score", task.name, task.parameters.settings,
                                      manifest.requirements, manifest.optional);
    if (!instance) return tl::unexpected(instance.error());
    task.instance = *instance;
    if (has_verb(task, "validate")) {
        auto valid = workspace_.pool().invoke(task.instance, "score.validate", json::object());
        if (!valid) return tl::unexpected(valid.error());
    }
    auto plan = ask_plan(task, pending);
    if (!plan) return tl::unexpected(plan.error());
    task.plan = std::move(*plan);
    return {};
}

Outcome<void> Run::plan(std::vector<ScoreTask>& tasks) {
    planned_after_ = newest_run(workspace_.options().state_folder);
    std::vector<std::string> pending;
    for (auto& task : tasks) {
        if (auto planned = plan_one(task, pending); !planned) {
            Problem problem = planned.error();
            if (problem.diagnostic.summary.find(task.name) == std::string::npos)
                problem.diagnostic.summary = task.name + ": " + problem.diagnostic.summary;
            if (problem.exit == ExitCode::Usage || problem.exit == ExitCode::Interrupted)
                return tl::unexpected(std::move(problem));
            task.problem = std::move(problem);
            pending.push_back(task.name);
        } else if (!task.plan.steps.empty() || task.plan.deferred) {
            pending.push_back(task.name);
        }
    }
    return {};
}

void Run::compare_runs() {
    others_ran_ = newest_run(workspace_.options().state_folder) != planned_after_;
}

void Run::fail_with(ScoreResult& result, const Problem& problem) const {
    const bool interrupted = problem.exit == ExitCode::Interrupted || workspace_.pool().interrupted();
    result.outcome = interrupted ? "interrupted" : "failed";
    result.reason = problem.diagnostic;
}

bool Run::may_carry_out(const ScoreTask& task, const ScorePlan& fresh, ScoreResult& result) const {
    const auto shown = keys(task.plan);
    for (const auto& step : fresh.steps) {
        if (shown.contains(key(step, step.destructive))) continue;
        const bool deletes = step.destructive && !options_.delete_data && options_.purpose == Purpose::Apply;
        const bool expected = task.plan.deferred && !deletes;
        if (expected || (options_.accept_new_steps && !deletes)) continue;
        result.outcome = "failed";
        result.reason = diagnostic(
            "run.plan-changed",
            task.name + " would now " + key(step, step.destructive) +
                ", which was not in the plan that was shown (first of it: " + pending_text(task.plan) + ")",
            deletes ? "look at the plan again; --delete-data accepts steps that delete data"
                    : "run again to see the new plan");
        return false;
    }
    return true;
}

bool Run::carry_out_step(ScoreTask& task, const Step& step, ScoreResult& result) {
    observer_.step_started(task.name, step);
    if (auto noted = journal_->intent(task.name, step.id, step.action); !noted) {
        host_problem_ = noted.error();
        fail_with(result, noted.error());
        return false;
    }
    const char* method = options_.purpose == Purpose::Apply ? "score.apply" : "score.destroy";
    auto answer = workspace_.pool().invoke(task.instance, method, {{"step", step.raw}});
    const std::string summary = answer ? std::string() : answer.error().diagnostic.summary;
    auto noted = journal_->result(task.name, step.id, answer.has_value(), summary);
    observer_.step_finished(task.name, step, answer ? nullptr : &answer.error().diagnostic);
    if (!answer) {
        Problem problem = answer.error();
        // Wrong settings are found by validate; a step that refuses has failed.
        if (problem.exit == ExitCode::Usage) problem.exit = ExitCode::Failed;
        fail_with(result, problem);
        return false;
    }
    if (!noted) {
        host_problem_ = noted.error();
        fail_with(result, noted.error());
        return false;
    }
    ++result.steps_done;
    return true;
}

void Run::verify(ScoreTask& task, ScoreResult& result) {
    if (!has_verb(task, "verify")) return;
    observer_.verify_started(task.name);
    auto answer = workspace_.pool().invoke(task.instance, "score.verify", json::object());
    auto checks = answer ? parse_checks(task.unit.entry->plugin.id, *answer)
                         : Outcome<std::vector<Check>>(tl::unexpected(answer.error()));
    if (!checks) {
        fail_with(result, checks.error());
        if (result.outcome == "failed") result.outcome = "unverified";
        return;
    }
    result.checks = std::move(*checks);
    for (const auto& check : result.checks) {
        if (check.ok) continue;
        if (workspace_.pool().interrupted()) return leave_unchecked(result);
        result.outcome = "unverified";
        result.reason =
            diagnostic("run.verify-failed", "applied, but the check \"" + check.name + "\" fails" +
                                                (check.detail.empty() ? "" : ": " + check.detail));
        return;
    }
}

Outcome<void> Run::read_objects(ScoreTask& task, ScoreResult& result) {
    if (!has_verb(task, "read")) return {};
    // Whoever interrupts waits for no further call.
    if (workspace_.pool().interrupted())
        return stop(
            ExitCode::Interrupted,
            diagnostic("run.interrupted", "interrupted before " + task.name + " was asked what is left",
                       "run it again: it finishes what is left"));
    auto answer = workspace_.pool().invoke(task.instance, "score.read", json::object());
    if (!answer) return tl::unexpected(answer.error());
    result.objects = parse_objects(*answer);
    return {};
}

Outcome<void> Run::keep_record(const ScoreTask& task, const ScoreResult& result, const std::string& outcome) {
    Record record;
    record.score = task.name;
    record.plugin_id = task.unit.entry->plugin.id;
    record.plugin_version = task.unit.entry->plugin.version;
    record.plugin_sha256 = workspace_.pool().sha256(*task.unit.entry);
    record.settings = Schema(task.unit.schema).without_secrets(task.parameters.settings);
    record.outcome = outcome;
    if (result.reason) record.reason = result.reason->summary;
    record.at = timestamp_now();
    record.run_id = journal_->run_id();
    record.objects = result.objects;
    record.checks = result.checks;
    return records_->put(record);
}

void Run::carry_out_steps(ScoreTask& task, ScoreResult& result) {
    const bool apply = options_.purpose == Purpose::Apply;
    auto fresh = nothing_to_do_ ? Outcome<ScorePlan>(task.plan) : ask_plan(task, unfinished_);
    if (!fresh) return fail_with(result, fresh.error());
    if (fresh->deferred && fresh->steps.empty()) {
        fail_with(result,
                  Problem{ExitCode::Failed,
                          diagnostic("run.still-deferred",
                                     task.name + " waits for a Score of this run that did not finish")});
        return;
    }
    if (!may_carry_out(task, *fresh, result)) return;
    observer_.score_started(task.name, fresh->steps.size());
    result.started = true;
    if (!fresh->steps.empty()) {
        if (auto kept = keep_record(task, result, apply ? "applying" : "destroying"); !kept) {
            host_problem_ = kept.error();
            return fail_with(result, kept.error());
        }
    }
    const bool done = std::ranges::all_of(
        fresh->steps, [&](const Step& step) { return carry_out_step(task, step, result); });
    if (done) result.outcome = !apply ? "destroyed" : fresh->steps.empty() ? "unchanged" : "ok";
}

std::string Run::blocker(const std::vector<ScoreTask>& tasks, const ScoreTask& task) const {
    const auto found = std::ranges::find_if(bad_, [&](const auto& entry) {
        if (options_.purpose == Purpose::Apply) return goes_after(task, entry.first);
        // Backwards: what this one was built on stays while something that goes after it is still there.
        return goes_after(*std::ranges::find(tasks, entry.first, &ScoreTask::name), task.name);
    });
    return found == bad_.end() ? std::string() : found->first + " " + found->second;
}

void Run::start(const std::vector<ScoreTask>& tasks, ScoreTask& task, ScoreResult& result) {
    result.name = task.name;
    if (workspace_.pool().interrupted() || host_problem_) {
        result.outcome = host_problem_ ? "skipped" : "interrupted";
    } else if (const auto reason = blocker(tasks, task); !reason.empty()) {
        result.outcome = "skipped";
        result.reason = diagnostic("run.skipped", "not started, because " + reason);
    } else if (task.problem) {
        fail_with(result, *task.problem);
    } else {
        carry_out_steps(task, result);
    }
}

void Run::settle(const std::vector<ScoreTask>& tasks, ScoreTask& task, ScoreResult& result) {
    if (result.good() && options_.purpose == Purpose::Apply) {
        const auto reason = blocker(tasks, task);
        if (workspace_.pool().interrupted() && has_verb(task, "verify")) {
            leave_unchecked(result);
        } else if (reason.empty()) {
            verify(task, result);
        } else {
            result.outcome = "unverified";
            result.reason = diagnostic("run.not-verified", "applied, but not checked, because " + reason,
                                       "mend that one, then apply again: both are checked");
        }
    }
    if (result.started) {
        const auto read = read_objects(task, result);
        // Its record is forgotten only where nothing is left.
        if (!read && result.outcome == "destroyed") fail_with(result, read.error());
        const bool gone = result.outcome == "destroyed" && result.objects.empty();
        auto kept = !gone ? keep_record(task, result, result.outcome == "unchanged" ? "ok" : result.outcome)
                    : options_.delete_data ? records_->remove(task.name)
                                           : records_->retire(task.name);
        if (!kept && !host_problem_) host_problem_ = kept.error();
    }
    if (!result.good()) {
        bad_[task.name] = result.outcome == "skipped"       ? "was skipped"
                          : result.outcome == "interrupted" ? "was interrupted"
                                                            : "failed";
        unfinished_.push_back(task.name);
    }
    observer_.score_finished(result);
}

Outcome<std::vector<ScoreResult>> Run::carry_out(std::vector<ScoreTask>& tasks, Journal& journal,
                                                 const Records& records) {
    journal_ = &journal;
    records_ = &records;
    nothing_to_do_ = !others_ran_ && !has_work(tasks);
    std::vector<ScoreResult> results(tasks.size());
    std::size_t settled = 0;
    const auto settle_up_to = [&](std::size_t end) {
        for (; settled < end; ++settled)
            settle(tasks, tasks[settled], results[settled]);
    };
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        if (settled < i && !overlaps(tasks[i], tasks[i - 1])) settle_up_to(i);
        start(tasks, tasks[i], results[i]);
        if (options_.purpose == Purpose::Destroy || !results[i].good()) settle_up_to(i + 1);
    }
    settle_up_to(tasks.size());
    if (host_problem_) return tl::unexpected(*host_problem_);
    return results;
}

}  // namespace harmony::host
